#!/usr/bin/env bash
# accept.sh PART...: what the GPU backend is accepted by, on the machine at hand; the commands as a user types them.
#   one      doctor, check, bench kernels, two A/Bs, a sweep (4 minutes)
#   streams  the A/B of the streams in the full form (8 minutes)
set -u
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
for part in "$@"; do case $part in
one)
  nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,temperature.gpu --format=csv,noheader | tee "$OUT/machine.txt"
  stage doctor 30 "$program" doctor
  stage check 240 "$program" check --backend cuda
  stage kernels 60 "$program" bench kernels --backend cuda
  stage ab_cat_skip 80 "$program" ab --backend cuda --model glm-5 --tp 8 --batch 4 --context 8192 --toggle cat_skip --json
  stage ab_index 150 "$program" ab --backend cuda --model glm-5 --tp 8 --batch 64 --context 8192 --toggle index_layout,page_size=1:64,logits_init --json
  stage sweep 200 "$program" sweep --backend cuda --model glm-5 --tp 8 --layers 8 --scenario 1k1k,8k1k --conc 4,8,16,32,64 --toggle cat_skip --json ;;
streams)
  stage ab_streams 500 "$program" ab --backend cuda --model glm-5 --tp 8 --toggle streams --full --json ;;
esac; done
bundle

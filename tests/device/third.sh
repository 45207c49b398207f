#!/usr/bin/env bash
# third.sh PART...: kernels while they are being changed, on the machine at hand.
#   try      check --quick, every kernel at four batches, whole steps with and without overlapping launches
#   wide     long contexts and the other models
#   tp1      every kernel of one rank alone (tp 1): the projections' and the attention's large rows
set -u
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
glm="--backend cuda --model glm-5 --tp 8 --context 8192 --max-context 16384"
on="--set cat_skip=on --set x_scale=transposed --set head_gates=fused --set rope_update=guarded --set logits_init=empty"
for part in "$@"; do case $part in
try)
  nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,temperature.gpu --format=csv,noheader
  stage check 100 "$program" check --backend cuda --quick
  tail -15 "$OUT/check.txt"
  for m in 1 4 16 64; do stage kernels$m 40 "$program" bench kernels $glm $on --layers 12 --batch $m --json; done
  for m in 1 4 16 64; do stage step$m 40 "$program" bench step $glm $on --batch $m --steps 12 --json; done
  for m in 1 4 16 64; do stage stepdual$m 40 "$program" bench step $glm $on --set streams=dual --batch $m --steps 12 --json; done
  python3 "$here/brief.py" "$OUT" ;;
wide)
  for m in 1 4 16 64; do stage wide$m 45 "$program" bench kernels --backend cuda --model glm-5 --tp 8 --context 65536 $on --layers 12 --batch $m --json; done
  stage kernels_v32 45 "$program" bench kernels --backend cuda --model deepseek-v3.2 --tp 8 --context 8192 --max-context 16384 $on --layers 12 --batch 4 --json
  stage kernels_k2 45 "$program" bench kernels --backend cuda --model kimi-k2 --tp 8 --context 8192 --max-context 16384 --layers 12 --batch 4 --json
  python3 "$here/brief.py" "$OUT" wide | grep -E "mqa|topk|sparse|combine"; python3 - "$OUT" <<'EOP'
import json,sys,pathlib
for n in ("kernels_v32","kernels_k2"):
    for l in (pathlib.Path(sys.argv[1])/(n+".txt")).read_text().splitlines():
        if l.startswith("{"):
            print(n, *(f"{x['op']} {x['us']:.1f} {x['us']/x['floor_us']:.1f}x;" for x in json.loads(l)["rows"] if x["us"]>4))
EOP
  ;;
tp1)
  for model in glm-5 deepseek-v3.2; do
    for m in 1 4 16 64; do
      stage tp1_$model$m 45 "$program" bench kernels --backend cuda --model $model --tp 1 --context 8192 --max-context 16384 $on --layers 4 --batch $m --json
    done
    python3 "$here/brief.py" "$OUT" tp1_$model
  done ;;
esac; done
bundle

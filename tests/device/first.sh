#!/usr/bin/env bash
# What the GPU backend is: doctor, check, benches, one A/B at full size, the tools of the toolkit.
set -u
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
glm="--backend cuda --model glm-5 --tp 8 --max-context 16384 --context 8192"
on="--set cat_skip=on --set x_scale=transposed --set head_gates=fused --set rope_update=guarded --set logits_init=empty"
stage doctor 30 "$program" doctor
stage check 150 "$program" check --backend cuda --json
stage kernels4 60 "$program" bench kernels $glm $on --batch 4 --json
for m in 1 16 64; do stage kernels$m 45 "$program" bench kernels $glm $on --layers 16 --batch $m --json; done
stage step4 40 "$program" bench step $glm $on --batch 4 --steps 20 --json
stage step64 40 "$program" bench step $glm $on --batch 64 --steps 12 --json
stage ab_cat_skip 60 "$program" ab $glm --batch 4 --toggle cat_skip --json
stage check_cpu 60 "$program" check --backend cpu --quick
lscpu > "$OUT/lscpu.txt"
stage ncu 60 ncu --clock-control none -k "regex:ds_(moe_gate_up|moe_down|gemm_|topk|sparse_|mqa_|bmm|router_topk|rms_norm|argmax)" --launch-skip 120 --launch-count 80 --csv --page raw \
  --metrics gpu__time_duration.sum,dram__bytes_read.sum,dram__throughput.avg.pct_of_peak_sustained_elapsed,sm__warps_active.avg.pct_of_peak_sustained_active,launch__registers_per_thread,launch__occupancy_limit_registers,smsp__average_warps_issue_stalled_long_scoreboard_per_issue_active.ratio,smsp__issue_active.avg.pct_of_peak_sustained_active \
  "$program" record $glm $on --layers 6 --batch 4 --steps 1 --warmup 3 --set launch=eager
bundle

#!/usr/bin/env bash
# second.sh PART...: the GPU backend on the machine at hand.
#   correct   doctor, check (every op, every switch, published models, repeats), the toolkit's sanitizers on tiny
#   account   the four passes of the accounting, eager, graph and dual-stream graph; "stamps_cost_pct" must stay below 2
#   probe     doctor --bundle: the device's clock, empty node, reads and copies by size, stamps against the profiler, check
#   speed     bench kernels and step at batches 1, 4, 16 and 64
#   rows      the other shapes of the table of peers: long contexts, more heads, other models
#   samples   small recordings with both clocks, exported
set -u
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
glm="--backend cuda --model glm-5 --tp 8 --context 8192"
on="--set cat_skip=on --set x_scale=transposed --set head_gates=fused --set rope_update=guarded --set logits_init=empty"
narrow="--max-context 16384"
for part in "$@"; do case $part in
correct)
  stage doctor 30 "$program" doctor
  stage check 240 "$program" check --backend cuda --json
  small="record --backend cuda --model tiny --context 600 --max-context 1024 --steps 1 --warmup 1 --set launch=eager"
  sanitizer="env LD_LIBRARY_PATH=$here/lib:${LD_LIBRARY_PATH:-} compute-sanitizer --print-limit 20 --tool"
  for tool in memcheck synccheck initcheck racecheck; do
    stage sanitizer_$tool 75 $sanitizer $tool "$here/decodescope-record" $small --batch 3
    # The kernels of Hopper's own instructions, which take shapes that tiny has none of.
    stage hopper_$tool 150 env DECODESCOPE_GPU_CLUSTERS=off $sanitizer $tool --kernel-name "regex=wide|fp8_64" "$here/decodescope-record" check --backend cuda --op gemm_fp8 --op gemm_bf16 --op mqa_logits --op sparse_mla
  done
  stage cpu 60 "$program" check --backend cpu --quick
  lscpu > "$OUT/lscpu.txt" ;;
account)
  six="$glm $narrow --layers 6 --batch 4 --steps 30"
  stage account_eager 30 "$program" bench accounting $six $on --set launch=eager --json
  stage account_graph 30 "$program" bench accounting $six $on --json
  stage account_dual 30 "$program" bench accounting $six $on --set streams=dual --json
  for m in 4 16 64; do stage account_full$m 30 "$program" bench accounting $glm $narrow --batch $m --steps 20 $on --set streams=dual --json; done ;;
probe)
  stage probe 240 "$program" doctor --bundle "$OUT/bundle.txt" ;;
speed)
  for m in 1 4 16 64; do stage kernels$m 60 "$program" bench kernels $glm $narrow $on --batch $m --layers 16 --json; done
  for m in 1 4 16 64; do
    stage step$m 40 "$program" bench step $glm $narrow $on --batch $m --steps 20 --json
    stage stepdual$m 40 "$program" bench step $glm $narrow $on --set streams=dual --batch $m --steps 20 --json
  done
  stage stepplain4 40 "$program" bench step $glm $narrow $on --set overlap=off --batch 4 --steps 20 --json ;;
rows)  # every shape of the peers' table: few layers, so that loading is short
  few="--backend cuda --layers 6 --json"
  for m in 1 4 16 64; do
    stage glm_8_65536_$m 30 "$program" bench kernels $few --model glm-5 --tp 8 --context 65536 --max-context 131072 $on --batch $m
    stage glm_4_8192_$m 30 "$program" bench kernels $few --model glm-5 --tp 4 --context 8192 $narrow $on --batch $m
    stage glm_1_8192_$m 30 "$program" bench kernels $few --model glm-5 --tp 1 --context 8192 $narrow $on --batch $m
    stage v32_8_8192_$m 30 "$program" bench kernels $few --model deepseek-v3.2 --tp 8 --context 8192 $narrow $on --batch $m
    stage v32_1_65536_$m 30 "$program" bench kernels $few --model deepseek-v3.2 --tp 1 --context 65536 $on --batch $m
    for c in 1024 8192 65536; do stage k2_8_${c}_$m 30 "$program" bench kernels $few --model kimi-k2 --tp 8 --context $c --set kv_dtype=bf16 --batch $m; done
  done
  for m in 1 4 16; do stage glm_8_131072_$m 30 "$program" bench kernels $few --model glm-5 --tp 8 --context 131000 $on --batch $m; done ;;
samples)
  i=0
  six="$glm $narrow --layers 6 --batch 4 --steps 4 --set stamps=on"
  for set in "--set launch=eager" "$on" "$on --set streams=dual"; do
    i=$((i + 1))
    export XDG_DATA_HOME=/tmp/sample$i; mkdir -p $XDG_DATA_HOME
    stage sample$i 40 "$program" record $six $set --name "GLM-5 rank of 8, 6 layers, H200: $(echo ${set//--set /} | tr -s ' ')"
    stage export$i 20 "$program" export 1 --to "$OUT/h200-$i.decodescope"
    stage bubbles$i 20 "$program" bubbles 1  # stalls between steps are the host's, gaps within a graph its edges
  done
  export XDG_DATA_HOME=/tmp/sampleab; mkdir -p $XDG_DATA_HOME
  stage sampleab 60 "$program" ab $glm $narrow --layers 6 --batch 4 --toggle streams
  stage exportab 20 "$program" export 1 2 --to "$OUT/h200-ab-streams.decodescope" ;;
esac; done
bundle

#!/usr/bin/env bash
# faults.sh: what goes wrong on a CUDA device, each with the line that is expected. "ok" or "WRONG" a case; all output in
# $OUT/faults.txt. The hidden hook DECODESCOPE_GPU_FAULT is described in kernels/gpu/runtime.h.
set -u
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
log=$OUT/faults.txt; : > "$log"
small="--backend cuda --model tiny --batch 2 --context 500 --max-context 1024 --steps 4 --warmup 1 --db /tmp/faults.db"
# expect NAME EXIT REGEX COMMAND...: exit code, and the regular expression in what the program says on stderr or stdout
expect() {
  local name=$1 want=$2 regex=$3 said code; shift 3
  said=$(timeout 120 "$@" 2>&1 | tr '\r' '\n' | grep -v '^ *$'; exit "${PIPESTATUS[0]}"); code=$?
  { echo "== $name: exit $code"; echo "$said" | tail -5; } >> "$log"
  if [ "$code" = "$want" ] && echo "$said" | grep -qE -- "$regex"; then echo "ok     $name"; else echo "WRONG  $name: exit $code (expected $want, /$regex/)"; echo "$said" | tail -3; fi
}
{
expect "too big is refused with bytes per part" 2 'does not fit on the device: needs .*KV cache.*experts [0-9.]+ [GM]iB.*free are' "$program" record --backend cuda --model glm-5
expect "works as it is" 0 'us a step' "$program" record $small
for n in 1 2 3 5; do
  expect "allocation $n fails" 2 "error: .*can't be had, [0-9]+ are free" env DECODESCOPE_GPU_FAULT=alloc:$n "$program" record $small
done
expect "illegal address, op by op: op, shape and launch are named" 1 'the last launch was moe_sort on .* blocks of .*cudaErrorIllegalAddress.*layer [0-9]+ moe_sort: moe_sort, .* i32 [0-9]+ x' \
  env DECODESCOPE_GPU_FAULT=address:moe_sort "$program" record $small --set sync=on
expect "illegal address in a graph: says how to find the op" 1 'the last launch was a graph of [0-9]+ kernels.*cudaErrorIllegalAddress.*--set sync=on names the op' \
  env DECODESCOPE_GPU_FAULT=address:moe_sort "$program" record $small
expect "a launch that is refused" 1 'launching moe_sort on .*: .* \(cudaErrorInvalid.*layer [0-9]+ moe_sort: ' \
  env DECODESCOPE_GPU_FAULT=launch:moe_sort "$program" record $small --set launch=eager
expect "no GPU" 2 'error: cuda: .*, --backend cuda' env CUDA_VISIBLE_DEVICES= "$program" record $small
expect "no GPU: the CPU goes on" 0 'us a step' env CUDA_VISIBLE_DEVICES= "$program" record --model tiny --batch 1 --context 64 --max-context 256 --steps 2 --db /tmp/faults.db
expect "CUPTI off: events instead" 0 'us a step' env DECODESCOPE_CUPTI=off "$program" record $small
expect "CUPTI absent: bench accounting has its other passes" 0 'no passes under a profiler: .*no libnowhere.so' env DECODESCOPE_CUPTI=libnowhere.so "$program" bench accounting --backend cuda --model tiny --context 500 --max-context 1024 --steps 5
expect "NVML off: the A/B goes on without sensors" 0 '"sensors":null' env DECODESCOPE_NVML=off "$program" ab $small --toggle cat_skip --json
# One process: a request that fails for want of memory, then one that works.
expect "an allocation that fails is survived by the host" 0 '^failed or refused, then running$' env DECODESCOPE_GPU_FAULT=alloc:3 python3 "$here/survive.py" "$program" serve --stdio
# The device is lost for the process (CUDA keeps such an error); it answers, and the CPU still runs.
expect "a lost device is survived by the host" 0 '^failed, then running on the CPU$' env DECODESCOPE_GPU_FAULT=address:moe_sort python3 "$here/survive.py" --lost "$program" serve --stdio
} | tee "$OUT/faults_summary.txt"
bundle

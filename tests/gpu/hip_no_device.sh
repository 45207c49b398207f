#!/usr/bin/env bash
# The real HIP runtime, from the packages that scripts/hip_root.sh extracts, under our program: every call is found in
# it, and on a machine without an AMD GPU it says so in one line. Exit code 77 where there is no such runtime.
set -euo pipefail
run=$DS_SOURCE_DIR/.deps/hip/bin/run
program=$DS_BINARY_DIR/decodescope-record
if [ ! -x "$run" ] || [ ! -x "$program" ]; then echo "skipped: no HIP runtime in .deps/hip, or no decodescope-record"; exit 77; fi
said=$(DECODESCOPE_HIP_RUNTIME=libamdhip64.so.6 "$run" "$program" doctor --json --db "$PWD/hip_no_device.sqlite" 2>&1)
hip=$(python3 -c 'import json,sys; print(next(b["built"] and (b["device"] or b["why"]) for b in json.loads(sys.stdin.read().splitlines()[-1])["backends"] if b["name"] == "hip"))' <<< "$said")
echo "$hip"
case $hip in
  False) echo "skipped: this build has no gfx950 kernels"; exit 77 ;;
  *hipErrorNoDevice*never\ run\ on\ hardware*) ;;
  AMD*) ;;
  *) exit 1 ;;
esac

#!/usr/bin/env bash
# compile_gpu.sh USAGE COMPILER ARGS...: compiles GPU kernels. What the compiler says of registers, spills and
# shared memory goes to USAGE; it is shown whole when the compiler fails, and its warnings always.
set -uo pipefail
usage=$1; shift
if ! "$@" > "$usage" 2>&1; then cat "$usage" >&2; exit 1; fi
grep -E 'warning|error' "$usage" >&2 || true
if grep -E '[1-9][0-9]* bytes spill' "$usage" >&2; then echo "a kernel spills: see $usage" >&2; fi
exit 0

#!/usr/bin/env bash
# sanitizers.sh PRESET PROGRAM...   builds the test programs under the preset's sanitizers (debug: address and undefined
# behaviour; tsan: threads) in a build folder of its own and runs them; a report of a sanitizer fails the program.
# By clang where setup.sh found one: with sanitizers it compiles in a third of GCC's time.
set -uo pipefail
preset=${1:?preset}; shift
build=$DS_SOURCE_DIR/build/$preset
failed=0
if command -v clang++-19 > /dev/null && [ -e /usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.asan-x86_64.a ]; then
  export CC=clang-19 CXX=clang++-19
  for s in /usr/bin/llvm-symbolizer-19 /usr/bin/llvm-symbolizer; do [ -x $s ] && export ASAN_SYMBOLIZER_PATH=$s TSAN_OPTIONS=external_symbolizer_path=$s && break; done
fi
for program in "$@"; do
  "$DS_SOURCE_DIR/scripts/build.sh" "$preset" "$program" && continue
  # Two files that ten-at-a-time put beside each other may have defined one name: once more, file by file.
  cmake -DDECODESCOPE_UNITY=OFF "$build" > "$build/configure.log" 2>&1
  "$DS_SOURCE_DIR/scripts/build.sh" "$preset" "$program" || exit 1
done
mkdir -p "$build/test_work"; cd "$build/test_work" || exit 1
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=${TSAN_OPTIONS:-}:halt_on_error=0:second_deadlock_stack=1
for program in "$@"; do
  out=$build/$program.log
  if timeout 2400 "$build/tests/$program" --order decl > "$out" 2>&1; then
    echo "$preset $program: $(tail -2 "$out" | head -1)"
  else
    echo "$preset $program: failed, whole log $out"
    grep -n -m3 -A25 -E 'ERROR: AddressSanitizer|runtime error|WARNING: ThreadSanitizer|FAILED:' "$out" | head -120
    tail -3 "$out"; failed=1
  fi
done
exit $failed

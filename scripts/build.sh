#!/usr/bin/env bash
# build.sh PRESET TARGET: configures build/PRESET when needed and builds TARGET with ninja.
# Silent when there is nothing to do; else one line at the start, one each tenth of the way, one at the end.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${1:?preset}; target=${2:?target}; dir=$root/build/$preset
# Paths below the checkout are hashed relative, so another clone or worktree finds the same objects in ccache.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
mkdir -p "$dir"
exec 9>"$dir/.lock"; flock 9   # two ./run at once must not build into each other
if [ ! -f "$dir/build.ninja" ]; then
  echo "configuring build/$preset"
  (cd "$root" && cmake --preset "$preset") > "$dir/configure.log" 2>&1 9>&- || {
    tail -25 "$dir/configure.log"; echo "error: configuring failed, whole log: $dir/configure.log"; exit 2; }
fi
progress() {
  local line n of said='' start=$SECONDS tenth=0
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    n=${BASH_REMATCH[1]}; of=${BASH_REMATCH[2]}
    if [ -z "$said" ] && [ "$of" -gt 2 ]; then said=1; echo "building $target ($preset): $of steps"; fi
    if [ "$of" -gt 40 ] && [ $((n * 10 / of)) -gt "$tenth" ] && [ "$n" -lt "$of" ]; then tenth=$((n * 10 / of)); echo "  ${tenth}0 %, $((SECONDS - start)) s"; fi
  done
  [ -z "$said" ] || echo "built $target ($preset) in $((SECONDS - start)) s"
}
if ! ninja -C "$dir" "$target" 2>&1 9>&- | tee "$dir/build.log" | progress; then
  grep -E -A12 'FAILED|error:|ninja: error' "$dir/build.log" | head -60
  echo "error: the build of $target failed, whole log: $dir/build.log"; exit 2
fi

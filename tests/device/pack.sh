#!/usr/bin/env bash
# pack.sh FOLDER: what travels to a machine with a GPU: decodescope-record stripped, and beside it in lib/ every
# library it needs that is not the C library's. FOLDER/run ARGS... starts it there. Says the size; over 60 MiB fails.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${1:?folder}; binary=${2:-$root/build/release/decodescope-record}
rm -rf "$out"; mkdir -p "$out/lib"
strip -o "$out/decodescope-record" "$binary"
ldd "$binary" | awk '$3 ~ /^\// {print $1, $3}' | while read -r name path; do
  case $name in libc.so*|libm.so*|libdl.so*|libpthread.so*|librt.so*|ld-linux*) ;; *) cp -L "$path" "$out/lib/$name" ;; esac
done
strip --strip-unneeded "$out"/lib/* 2>/dev/null || true
cat > "$out/run" <<'RUN'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$here/decodescope-record" "$@"
RUN
chmod +x "$out/run"
mib=$(du -sm "$out" | cut -f1)
echo "$out: $mib MiB"
[ "$mib" -lt 60 ] || { echo "error: over 60 MiB" >&2; exit 1; }

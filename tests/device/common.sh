# What the device scripts share: the packed program (pack.sh), CUPTI's library, stages with a time limit each.
# Output of a stage goes to $OUT/NAME.txt; its exit code and seconds to the terminal.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$here/run
cupti=$(find / -name 'libcupti.so.13*' -not -path '/proc/*' 2>/dev/null | head -1)
export LD_LIBRARY_PATH=${cupti:+$(dirname "$cupti")}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export XDG_DATA_HOME=${XDG_DATA_HOME:-/tmp/data}
mkdir -p "$XDG_DATA_HOME"

# stage NAME SECONDS COMMAND...
stage() {
  local name=$1 limit=$2 began=$SECONDS; shift 2
  timeout "$limit" "$@" > "$OUT/$name.txt" 2> "$OUT/$name.err"
  local code=$?
  # Progress lines overwrite each other; what is left of them says little.
  tr '\r' '\n' < "$OUT/$name.err" | grep -v '^ *$' | tail -40 > "$OUT/$name.tail"; rm -f "$OUT/$name.err"
  cat "$OUT/$name.tail" >> "$OUT/$name.txt"; rm -f "$OUT/$name.tail"
  echo "stage $name: exit $code, $((SECONDS - began)) s"
}
# At most eight files come back: everything in one.
bundle() { (cd "$OUT" && tar czf all.tar.gz -- *.txt && rm -f -- *.txt); }

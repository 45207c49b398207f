#!/usr/bin/env bash
# setup.sh: installs what the build and the tests need and this machine lacks (Debian 12+, Ubuntu 24.04+).
#   system packages         by apt, with sudo only when not root
#   .deps/imgui_bundle      the source package named in requirements.txt, by pip, its hash pinned
#   .deps/catch2            Catch2 v3: Debian 12 has it in bookworm-backports only, so its package is extracted here
#                           with an apt configuration of our own and nothing on the machine changes
#   .deps/hip               a gfx950 compiler from packages of a later Debian, extracted (scripts/hip_root.sh; some 20 s, 350 MB),
#                           unless a ROCm installation is there. Without either the gfx950 kernels are left out
# `setup.sh tests` also installs clang-19 for the fuzzers, where the distribution has it, Perfetto's descriptor into .deps/python
# (requirements-tests.txt, hashes pinned) and, where there is an nvcc, NVIDIA's disassembler into .deps/cuda_tools
# (requirements-cuda.txt): without them what needs them is skipped.
# Silent and quick (a few ms) when everything is there. Ends with exit code 2 and one line when something can't be had.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=$root/.deps; for_tests=${1:-}
nvcc=$(PATH=$PATH:/usr/local/cuda/bin command -v nvcc || true)
# The folder is part of it: programs in .deps/hip carry their loader's path.
stamp=$({ cat "$root"/scripts/{setup.sh,hip_root.sh,requirements.txt}; realpath -m "$deps"; } | sha256sum | cut -c1-16)
if [ "$(cat "$deps/stamp" 2>/dev/null || true)" = "$stamp" ] && [ -e /usr/include/simdjson.h ] && [ -e /usr/include/GLFW/glfw3.h ] && [ -e /usr/include/protozero/pbf_writer.hpp ]; then
  if [ "$for_tests" != tests ] || { [ -e "$deps/fuzz_setup" ] && [ -e "$deps/python/tried" ] && { [ -z "$nvcc" ] || [ -e "$deps/cuda_tools/tried" ]; }; }; then exit 0; fi
fi

say() { echo "setup: $*"; }
fail() { echo "error: $*"; exit 2; }
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"
  else fail "system packages are missing and this user is neither root nor has sudo, install them first: ${missing[*]}"; fi
}
mkdir -p "$deps"; exec 9>"$deps/.lock"; flock 9

packages=(g++ cmake ninja-build ccache pkg-config git ca-certificates python3 python3-pip
  libglfw3-dev libgl-dev libegl-dev libgl1-mesa-dri libegl1 xvfb
  libsqlite3-dev libsqlitecpp-dev libsimdjson-dev nlohmann-json3-dev libcli11-dev libspdlog-dev libfmt-dev
  libdeflate-dev zlib1g-dev libzstd-dev libboost-math-dev libstb-dev libprotozero-dev)
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "no apt-get on this machine, install by hand what these Debian packages hold: ${missing[*]}"
  say "installing ${#missing[@]} system packages: ${missing[*]}"
  log=$deps/apt.log
  { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update && \
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}"; } > "$log" 2>&1 || \
    fail "apt-get could not install the packages ($(grep -m1 '^E:\|^error:' "$log" || tail -1 "$log")), whole log: $log"
fi

# --- clang-19: optional, a machine without it runs everything but the fuzzers
if [ "$for_tests" = tests ] && [ ! -e "$deps/fuzz_setup" ]; then
  missing=()
  for p in clang-19 libclang-rt-19-dev; do
    dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || missing+=("$p")
  done
  if [ ${#missing[@]} -gt 0 ] && command -v apt-cache >/dev/null && [ -n "$(apt-cache policy clang-19 2>/dev/null | awk '/Candidate: [0-9]/')" ]; then
    say "installing ${missing[*]} for the fuzzers"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}" > "$deps/apt.log" 2>&1 || say "without them: the fuzzers are skipped"
  fi
  touch "$deps/fuzz_setup"
fi

# --- Perfetto's descriptor: optional, for one test
if [ "$for_tests" = tests ] && [ ! -e "$deps/python/tried" ]; then
  mkdir -p "$deps/python"
  python3 -m pip install -q --no-deps --only-binary :all: --platform any --implementation py --abi none --require-hashes --no-compile --target "$deps/python" -r "$root/scripts/requirements-tests.txt" > "$deps/pip.log" 2>&1 || \
    say "without Perfetto's descriptor: the test of that export is skipped ($(grep -m1 -i 'error' "$deps/pip.log" || tail -1 "$deps/pip.log"))"
  touch "$deps/python/tried"
fi

# --- NVIDIA's disassembler: optional, for one test
if [ "$for_tests" = tests ] && [ -n "$nvcc" ] && [ ! -e "$deps/cuda_tools/tried" ]; then
  mkdir -p "$deps/cuda_tools"
  python3 -m pip install -q --no-deps --only-binary :all: --require-hashes --no-compile --target "$deps/cuda_tools" -r "$root/scripts/requirements-cuda.txt" > "$deps/pip.log" 2>&1 || \
    say "without NVIDIA's disassembler: the look at the sm_90a machine code is skipped ($(grep -m1 -i 'error' "$deps/pip.log" || tail -1 "$deps/pip.log"))"
  touch "$deps/cuda_tools/tried"
fi

# --- the gfx950 compiler: optional, a machine without it builds everything but those kernels
hip_stamp=$({ cat "$root/scripts/hip_root.sh"; realpath "$deps"; } | sha256sum | cut -c1-16)
if [ ! -e "${ROCM_PATH:-/opt/rocm}/bin/amdclang++" ] && [ "$(head -1 "$deps/hip_setup" 2>/dev/null)" != "$hip_stamp" ]; then
  if ! command -v patchelf >/dev/null && command -v apt-get >/dev/null; then
    missing=(patchelf)
    if [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; then
      as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install patchelf > "$deps/apt.log" 2>&1 || true
    fi
  fi
  [ -d "$deps/hip" ] || say "extracting a gfx950 compiler from Debian's packages into .deps/hip (160 MB to fetch)"
  if why=$(bash "$root/scripts/hip_root.sh" "$deps/hip" 2>&1); then
    [ -z "$why" ] || say "$why"
    echo "$hip_stamp" > "$deps/hip_setup"
  else
    why=$(tail -1 <<< "$why")
    say "no gfx950 compiler, its kernels are left out: $why (rm .deps/hip_setup .deps/stamp tries again)"
    printf '%s\n%s\n' "$hip_stamp" "$why" > "$deps/hip_setup"
  fi
fi

# --- Catch2 v3
catch2_version() { apt-cache "$@" policy libcatch2-dev 2>/dev/null | awk '/Candidate:/{print $2}'; }
if [ ! -e "$deps/catch2/ok" ]; then
  rm -rf "$deps/catch2"; mkdir -p "$deps/catch2"
  if [[ "$(catch2_version)" == 3.* ]]; then
    say "installing Catch2 $(catch2_version)"
    missing=(libcatch2-dev)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install libcatch2-dev > "$deps/apt.log" 2>&1 || fail "apt-get could not install libcatch2-dev, whole log: $deps/apt.log"
  else
    # shellcheck disable=SC1091
    codename=$(. /etc/os-release; echo "${VERSION_CODENAME:-}")
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk -v r="$codename" '$2 == r {print $1; exit}')
    [ -n "$mirror" ] || fail "Catch2 v3 is not among this machine's packages and no mirror for $codename is configured, apt sources"
    say "fetching Catch2 v3 from $codename-backports into .deps"
    s=$deps/catch2/apt; mkdir -p "$s"/lists/partial "$s"/cache/archives/partial
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $codename-backports main" > "$s/sources.list"; : > "$s/status"
    own=(-qq -o "Dir::State=$s" -o "Dir::State::Lists=$s/lists" -o "Dir::Cache=$s/cache" -o "Dir::Etc::sourcelist=$s/sources.list"
      -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o "Dir::State::status=$s/status"
      -o Acquire::Languages=none -o "APT::Sandbox::User=$(id -un)" -o Acquire::Retries=3 -o Acquire::Check-Valid-Until=false)
    { apt-get "${own[@]}" update && (cd "$s" && apt-get "${own[@]}" download libcatch2-dev); } > "$deps/apt.log" 2>&1 || \
      fail "Catch2 v3 can't be fetched from $codename-backports ($(grep -m1 '^E:' "$deps/apt.log" || tail -1 "$deps/apt.log")), whole log: $deps/apt.log"
    dpkg-deb -x "$s"/libcatch2-dev_*.deb "$deps/catch2"; rm -rf "$s"
  fi
  touch "$deps/catch2/ok"
fi

# --- Dear ImGui and friends
if [ ! -e "$deps/imgui_bundle/ok" ]; then
  say "fetching the source package of imgui-bundle by pip (about 50 MB, a minute)"
  rm -rf "$deps/imgui_bundle" "$deps/pip"; mkdir -p "$deps/imgui_bundle" "$deps/pip"
  python3 -m pip download -q --no-deps --no-binary :all: --require-hashes -r "$root/scripts/requirements.txt" -d "$deps/pip" > "$deps/pip.log" 2>&1 || \
    fail "pip could not fetch imgui-bundle ($(grep -m1 -i 'error' "$deps/pip.log" || tail -1 "$deps/pip.log")), whole log: $deps/pip.log"
  # Only the folders that are built: the archive unpacks to 136 MB.
  tar -xzf "$deps"/pip/imgui_bundle-*.tar.gz -C "$deps/imgui_bundle" --strip-components=1 --wildcards \
    '*/external/imgui/imgui/*' '*/external/implot/implot/*' '*/external/imgui_test_engine/imgui_test_engine/imgui_test_engine/*' \
    '*/external/imgui-command-palette/imgui-command-palette/*' '*/external/portable_file_dialogs/*' '*/bindings/imgui_bundle/assets/fonts/*' \
    '*/external/hello_imgui/hello_imgui/src/hello_imgui/icons_font_awesome_6.h' '*/external/hello_imgui/hello_imgui/hello_imgui_assets/fonts/*' '*/LICENSE*' '*/PKG-INFO'
  rm -rf "$deps/pip"; touch "$deps/imgui_bundle/ok"
fi
echo "$stamp" > "$deps/stamp"
say "done"

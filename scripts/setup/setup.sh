# shellcheck shell=bash
# Shared by scripts/genvid and scripts/test: puts on this machine what genvid needs, then builds.
# Sourced, not run. Everything it says goes to stderr, details to build/setup.log.
# Idempotent; a lock keeps two at once apart; with nothing to do it costs a few milliseconds.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build

# What libtorch needs. The two NVIDIA wheels are what libtorch_cpu.so links; they are the versions
# that torch's own metadata asks for.
torch_version=2.11.0
torch_floor=2.10
torch_cpu_wheels=("torch==$torch_version" nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
torch_cuda_wheels=("torch==$torch_version")
# Holds the C2PA project's library, which signs and checks content credentials; no headers needed.
c2pa_wheel=c2pa-python==0.38.1

program_packages=(g++ cmake ninja-build pkg-config python3-venv libcli11-dev libspdlog-dev
  nlohmann-json3-dev libsentencepiece-dev libssl-dev libavcodec-dev libavformat-dev libavutil-dev
  libswscale-dev)
# exiftool reads our marks as a stranger would.
test_packages=(libgtest-dev ffmpeg libimage-exiftool-perl)
# For one test, which is skipped without them; its daemons live only as long as the test.
slurm_packages=(slurmctld slurmd slurm-client)
fuzz_packages=(clang-14 libclang-rt-14-dev)

say() { printf 'genvid set-up: %s\n' "$*" >&2; }
# fail CODE MESSAGE: the codes are genvid's own (README, "Exit codes").
fail() {
  printf 'genvid set-up: error: %s\n' "$2" >&2
  exit "$1"
}

# A log that helps is the end of it; the rest is in the file.
logged() {
  local what=$1
  shift
  if "$@" >>"$build/setup.log" 2>&1; then return 0; fi
  tail -n 25 "$build/setup.log" >&2
  say "$what failed; the whole log is $build/setup.log"
  return 1
}

has_driver() {
  [[ -e /proc/driver/nvidia/version || -e /dev/nvidiactl || -e /dev/dxg ]]
}

# ---- distribution packages

missing_packages() {
  local p
  for p in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null) == installed ]] || echo "$p"
  done
}

install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    local tool
    for tool in g++ cmake ninja pkg-config python3; do
      command -v "$tool" >/dev/null ||
        fail 7 "no $tool here and this is not Debian: install the equivalents of: $*"
    done
    return 0
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  local as_root=()
  if ((EUID != 0)); then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      fail 7 "packages are missing and need root; run: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
    fi
  fi
  say "installing packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=600)
  logged "apt-get update" "${apt[@]}" update || say "going on with the package lists that are here"
  logged "apt-get install" "${apt[@]}" install --no-install-recommends "${missing[@]}" ||
    fail 7 "cannot install packages; run: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
}

check_compiler() {
  local cxx=${CXX:-g++} major
  major=$("$cxx" -dumpversion 2>/dev/null | cut -d. -f1) || true
  [[ $major =~ ^[0-9]+$ ]] || fail 7 "no C++ compiler '$cxx': install g++ 12 or newer"
  if [[ $("$cxx" --version) != *clang* ]] && ((major < 12)); then
    fail 7 "$cxx is version $major, 12 or newer is needed: install it and set CXX, e.g. CXX=g++-12"
  fi
}

# ---- libtorch

at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# torch_problem DIR: prints why the libtorch in DIR cannot be used; nothing when it can.
torch_problem() {
  local dir=$1 header=$1/include/torch/headeronly/version.h version lib missing
  [[ -f $dir/include/ATen/core/Tensor.h ]] || { echo "no C++ headers"; return; }
  for lib in libtorch_cpu.so libc10.so; do
    [[ -f $dir/lib/$lib ]] || { echo "no lib/$lib"; return; }
    missing=$(ldd "$dir/lib/$lib" 2>&1 | awk '/not found/ {print $1; exit}')
    [[ -z $missing ]] || { echo "$lib needs $missing, which is not found"; return; }
  done
  [[ -f $header ]] || { echo "older than $torch_floor"; return; }
  version=$(awk '/#define TORCH_VERSION_(MAJOR|MINOR|PATCH) / {v = v (v == "" ? "" : ".") $3} END {print v}' "$header")
  at_least "$version" "$torch_floor" || { echo "version $version, $torch_floor or newer is needed"; return; }
  if has_driver && [[ ! -f $dir/lib/libtorch_cuda.so && -z ${accept_cpu_torch:-} ]]; then
    echo "a build without CUDA, and an NVIDIA driver is here"
  fi
}

# Candidates in the order in which they are preferred, one folder a line.
torch_candidates() {
  local p python
  [[ -z ${TORCH_ROOT:-} ]] || echo "$TORCH_ROOT"
  [[ -z ${Torch_DIR:-} ]] || (cd "$Torch_DIR/../../.." 2>/dev/null && pwd) || true
  tr ':;' '\n' <<<"${CMAKE_PREFIX_PATH:-}" | while read -r p; do
    [[ -z $p ]] && continue
    if [[ $p == */share/cmake ]]; then echo "${p%/share/cmake}"; else echo "$p"; fi
  done
  for python in python3 python; do
    command -v "$python" >/dev/null || continue
    "$python" -c 'import importlib.util as u
s = u.find_spec("torch")
if s and s.submodule_search_locations: print(list(s.submodule_search_locations)[0])' 2>/dev/null || true
  done
}

# Sets torch_root from what is on the machine; returns 1 when nothing can be used.
find_torch() {
  local dir problem
  while read -r dir; do
    [[ -d $dir ]] || continue
    problem=$(torch_problem "$dir")
    if [[ -z $problem ]]; then
      torch_root=$dir
      return 0
    fi
    say "not using the libtorch in $dir: $problem"
  done < <(torch_candidates | awk '!seen[$0]++')
  return 1
}

venv_torch() { compgen -G "$build/venv/lib/python3*/site-packages/torch" | head -n 1; }

# A private Python environment under the build folder, used for the libraries in its packages alone.
make_venv() {
  local python
  [[ -x $build/venv/bin/python ]] && return 0
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import ensurepip, venv' 2>/dev/null && break
  done
  logged "python venv" "$python" -m venv "$build/venv" ||
    fail 7 "cannot make a Python environment; run: apt-get install -y python3-venv"
}

install_torch() {
  local venv=$build/venv wheels spec no_deps=()
  if has_driver; then
    wheels=("${torch_cuda_wheels[@]}")
  else
    wheels=("${torch_cpu_wheels[@]}")
    no_deps=(--no-deps)
  fi
  spec="${wheels[*]}${no_deps[*]:+ alone}"
  if [[ ! -f $venv/complete || $(<"$venv/complete") != "$spec" ]]; then
    say "installing ${wheels[*]} into $venv"
    rm -f "$venv/complete"
    make_venv
    logged "pip install" "$venv/bin/python" -m pip install --no-input --disable-pip-version-check \
      "${no_deps[@]}" "${wheels[@]}" || return 1
    printf '%s\n' "$spec" >"$venv/complete"
  fi
  torch_root=$(venv_torch)
  local problem
  problem=$(torch_problem "$torch_root")
  [[ -z $problem ]] || fail 7 "the libtorch in $torch_root cannot be used: $problem; remove $venv and try again"
}

choose_torch() {
  find_torch && return 0
  install_torch && return 0
  # Offline: an installation for CPUs alone is better than none.
  if accept_cpu_torch=1 find_torch; then
    say "the GPU will not be used"
    return 0
  fi
  fail 10 "cannot get libtorch: see $build/setup.log, or set Torch_DIR or CMAKE_PREFIX_PATH to a libtorch >= $torch_floor, or install it as a Python package"
}

# ---- content credentials

# Puts libc2pa_c.so beside the program. Returns 1 when it cannot be had: nothing else needs it.
install_c2pa() {
  local library=$build/libc2pa_c.so stamp=$build/.setup/c2pa found
  [[ -z ${GENVID_C2PA_LIB:-} ]] || return 0
  [[ -f $library && -f $stamp && $(<"$stamp") == "$c2pa_wheel" ]] && return 0
  say "installing $c2pa_wheel"
  make_venv
  logged "pip install" "$build/venv/bin/python" -m pip install --no-input --retries 1 --timeout 20 \
    --disable-pip-version-check --no-deps "$c2pa_wheel" || return 1
  found=$(compgen -G "$build/venv/lib/python3*/site-packages/c2pa/libs/libc2pa_c.so" | head -n 1)
  [[ -n $found ]] && cp "$found" "$library.new" && mv "$library.new" "$library" || return 1
  printf '%s\n' "$c2pa_wheel" >"$stamp"
}

# ---- build

# One compiler takes up to 1.5 GB.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 1572864)}' /proc/meminfo)
  ((memory >= 1)) || memory=1
  echo $((cores < memory ? cores : memory))
}

configure() {  # configure EXTRA...
  local arguments=(-S "$root" -B "$build" -DTORCH_ROOT="$torch_root" "$@")
  if [[ ! -f $build/CMakeCache.txt ]]; then
    arguments+=(-G Ninja -DCMAKE_BUILD_TYPE=Release)
  elif ! grep -qxF "TORCH_CPU_LIBRARY:FILEPATH=$torch_root/lib/libtorch_cpu.so" "$build/CMakeCache.txt"; then
    arguments+=(-U 'TORCH_*_DIR' -U 'TORCH_*_LIBRARY')
  fi
  logged "cmake" cmake "${arguments[@]}" || fail 7 "cannot configure the build"
}

compile() {  # compile WHAT TARGET...
  local what=$1
  shift
  say "building $what (the first time takes some minutes)"
  logged "the build" cmake --build "$build" --parallel "$(build_jobs)" ${1:+--target "$@"} ||
    fail 7 "cannot build $what"
}

# ---- the two set-ups

stamp_key() {
  printf '%s driver=%s torch=%s:%s:%s:%s\n' "$(cat "$root"/scripts/setup/* | cksum | tr ' ' -)" \
    "$(has_driver && echo yes || echo no)" "${TORCH_ROOT:-}" "${Torch_DIR:-}" \
    "${CMAKE_PREFIX_PATH:-}" "${CXX:-}"
}

# True when NAME was set up with the same key, its libtorch is still there and no source is newer.
is_fresh() {
  local stamp=$build/.setup/$1 lines
  shift
  [[ -f $stamp && -x $build/genvid ]] || return 1
  mapfile -t lines <"$stamp"
  [[ ${lines[0]:-} == "$key" && -f ${lines[1]:-}/lib/libtorch_cpu.so ]] || return 1
  [[ -z $(find "$@" -newer "$stamp" -print -quit 2>/dev/null) ]]
}

locked() {  # locked FUNCTION: in a subshell that holds the lock, so that exec does not inherit it
  mkdir -p "$build/.setup"
  (
    flock -n 9 || { say "waiting for another set-up"; flock 9; }
    "$@"
  ) 9>"$build/.setup/lock"
}

finish_stamp() {
  printf '%s\n%s\n' "$key" "$torch_root" >"$build/.setup/$1.new"
  touch -r "$build/.setup/$1.start" "$build/.setup/$1.new"  # edits made during the build count
  mv "$build/.setup/$1.new" "$build/.setup/$1"
}

program_inputs=("$root"/{CMakeLists.txt,src,include,scripts/cmake})

prepare_program() {
  is_fresh program "${program_inputs[@]}" && return 0
  touch "$build/.setup/program.start"
  : >"$build/setup.log"
  install_packages "${program_packages[@]}"
  check_compiler
  choose_torch
  install_c2pa || say "going on without content credentials (--sign, and checking them)"
  local extra=()
  [[ -f $build/CMakeCache.txt ]] || extra=(-DGENVID_TESTS=OFF)
  configure "${extra[@]}"
  compile genvid genvid_program
  finish_stamp program
}

prepare_tests() {
  touch "$build/.setup/program.start"
  : >"$build/setup.log"
  install_packages "${program_packages[@]}" "${test_packages[@]}"
  (install_packages "${slurm_packages[@]}") || say "going on without Slurm: its test will be skipped"
  check_compiler
  choose_torch
  install_c2pa || fail 10 "cannot get $c2pa_wheel, which tests need: see $build/setup.log, or set GENVID_C2PA_LIB"
  configure -DGENVID_TESTS=ON
  compile "genvid and its tests"
  finish_stamp program
}

setup_program() {
  key=$(stamp_key)
  is_fresh program "${program_inputs[@]}" || locked prepare_program
}

setup_tests() {
  key=$(stamp_key)
  locked prepare_tests
}

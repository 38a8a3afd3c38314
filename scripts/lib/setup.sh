# Sets this machine and this checkout up: packages, node_modules, the native addon, the compiled TypeScript.
# Sourced by run-zookeeper.sh and test.sh; call `zabkv_setup ROOT`. Quiet when nothing is to do; everything it says
# goes to standard error. Several machines or namespaces that share one checkout do not build at once.
# shellcheck shell=bash

SETUP_NODE_MAJOR=20
SETUP_NODE_MINOR=19

zabkv_setup() {
  local root=$1 lock
  # A script that was started by one that has looked already need not look again.
  [[ ${ZABKV_SETUP_DONE:-} != "$root" ]] || return 0
  setup_packages || return 1
  # A lock on the folder itself: it needs no file, so that a checkout that cannot be written can be used, too.
  exec {lock}<"$root"
  if ! flock --nonblock "$lock"; then
    setup_say "waiting for another set-up of $root"
    flock "$lock"
  fi
  setup_modules "$root" && setup_native "$root" && setup_typescript "$root"
  local code=$?
  exec {lock}<&-
  ((code != 0)) || export ZABKV_SETUP_DONE=$root
  return "$code"
}

setup_say() { echo "setup: $*" >&2; }

# One sentence, and not ready.
setup_fail() {
  echo "zabkv: $*" >&2
  return 1
}

setup_node_is_new_enough() {
  local version major minor
  version=$(node --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  ((major > SETUP_NODE_MAJOR || (major == SETUP_NODE_MAJOR && minor >= SETUP_NODE_MINOR)))
}

setup_has_header() { [[ -f /usr/include/$1 || -f /usr/local/include/$1 ]]; }

# Debian packages that are missing: what cannot be done without, and what RDMA needs.
setup_missing_needed() {
  setup_node_is_new_enough || echo nodejs
  command -v npm >/dev/null || echo npm
  command -v g++ >/dev/null && command -v make >/dev/null || echo build-essential
  command -v python3 >/dev/null || echo python3
  command -v flock >/dev/null || echo util-linux
}

setup_missing_rdma() {
  setup_has_header infiniband/verbs.h || echo libibverbs-dev
  setup_has_header rdma/rdma_cma.h || echo librdmacm-dev
}

setup_packages() {
  local needed rdma
  mapfile -t needed < <(setup_missing_needed)
  mapfile -t rdma < <(setup_missing_rdma)
  # Headers for RDMA may be missing: then the addon is built with UDP alone. Asked for once a checkout and machine.
  ((${#needed[@]} == 0 && ${#rdma[@]} == 0)) && return 0
  if ((EUID == 0)) && command -v apt-get >/dev/null; then
    ((${#needed[@]} == 0)) && setup_skips_rdma && return 0
    setup_say "installing ${needed[*]} ${rdma[*]}"
    setup_install "${needed[@]}" "${rdma[@]}" ||
      { ((${#needed[@]} > 0)) && setup_install "${needed[@]}"; } || true
    mapfile -t needed < <(setup_missing_needed)
    mapfile -t rdma < <(setup_missing_rdma)
    ((${#rdma[@]} == 0)) || setup_remember_rdma
  fi
  if [[ " ${needed[*]} " == *" nodejs "* ]]; then
    local found
    found=$(node --version 2>/dev/null || echo none)
    setup_fail "Node.js $SETUP_NODE_MAJOR.$SETUP_NODE_MINOR or newer is needed and cannot be installed (found: $found)."
    return 1
  fi
  ((${#needed[@]} == 0)) && return 0
  setup_fail "Packages are missing and cannot be installed: run apt-get install ${needed[*]} as root."
}

# Where RDMA headers cannot be had, that is said once a boot and not tried every time.
setup_rdma_note() { echo "${TMPDIR:-/tmp}/zabkv-without-rdma-headers.$EUID"; }
setup_skips_rdma() { [[ -e $(setup_rdma_note) ]]; }
setup_remember_rdma() {
  setup_say 'the RDMA headers cannot be installed: building with UDP alone'
  : >"$(setup_rdma_note)" || true
}

setup_install() {
  local log
  log=$(mktemp)
  if DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
    { apt-get update >"$log" 2>&1 &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$log" 2>&1; }; then
    rm -f "$log"
    return 0
  fi
  tail -n 5 "$log" >&2
  rm -f "$log"
  return 1
}

# npm writes its own list of what it installed; a lockfile that is newer has not been followed yet.
setup_modules() {
  local root=$1
  local installed=$root/node_modules/.package-lock.json
  [[ -f $installed && ! $root/package-lock.json -nt $installed ]] && return 0
  [[ -f $installed && ! -w $root ]] && return 0
  [[ -w $root ]] || { setup_fail "$root has no node_modules and cannot be written: run npm ci there."; return 1; }
  setup_say 'npm ci'
  (cd "$root" && npm ci --no-audit --no-fund --ignore-scripts >&2) ||
    { setup_fail 'npm ci failed: see above.'; return 1; }
  touch "$installed"
}

setup_native() {
  local root=$1 said
  local addon=$root/build/Release/zabkv.node
  if [[ ! -w $root ]]; then
    [[ -f $addon ]] && return 0
    setup_fail "$root has no $addon and cannot be written: run npm run build there."
    return 1
  fi
  said=$(bash "$root/scripts/build-native.sh") ||
    { setup_fail 'the native addon does not build: see above.'; return 1; }
  [[ $said == *'is up to date'* ]] || setup_say "${said#build-native: }"
}

setup_typescript() {
  local root=$1
  local stamp=$root/dist/.compiled
  if [[ ! -w $root ]]; then
    [[ -f $root/dist/src/cli/main.js ]] && return 0
    setup_fail "$root is not compiled and cannot be written: run npm run build there."
    return 1
  fi
  [[ -f $stamp && -f $root/dist/src/cli/main.js ]] && ! setup_has_newer "$root" "$stamp" && return 0
  setup_say 'compiling TypeScript'
  # The time before the compilation: what is saved during it is compiled the next time.
  mkdir -p "$root/dist" && : >"$root/dist/.compiling"
  bash "$root/scripts/compile.sh" >&2 || { setup_fail 'the TypeScript does not compile: see above.'; return 1; }
  mv "$root/dist/.compiling" "$stamp"
}

# Folders count too: a file that went away changes its folder.
setup_has_newer() {
  local root=$1 stamp=$2
  [[ -n $(find "$root/src" "$root/test" "$root/bench" "$root/tsconfig.json" "$root/package.json" \
    \( -name '*.ts' -o -name '*.json' -o -type d \) -newer "$stamp" -print -quit) ]]
}

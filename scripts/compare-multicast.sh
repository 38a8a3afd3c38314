#!/usr/bin/env bash
# Runs the same load twice, proposals by multicast and by unicast, and shows both runs beside each other. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for part in setup children scratch; do
  # shellcheck source=/dev/null
  source "$root/scripts/lib/$part.sh"
done

usage() {
  cat <<'USAGE'
Usage: scripts/compare-multicast.sh [--workload SECONDS] [--keep DIR] [options of scripts/run-zookeeper.sh]

Runs a cluster with a load on this machine, once with proposals by multicast and once with --unicast, and prints both
runs beside each other: completed operations a second, how often the leader sent a proposal, and posts, system calls
and bytes for each committed write.

Unless told otherwise: three replicas on 127.0.0.1 with one worker each, keys of 8 bytes, values of 32 bytes, half of
the operations writes, 5 seconds. All other options go to scripts/run-zookeeper.sh, see its --help: --replicas, --ips
(addresses of this machine), --device, --transport, --sessions, --wait, ...

  --workload SECONDS      measured time of each run (5)
  --keep DIR              leaves the reports there: multicast.json and unicast.json

Exit codes: 0 ok, 1 a run had errors or unequal digests, or failed, 2 usage, 3 unavailable.
USAGE
}

usage_error() {
  echo "zabkv: $*: see scripts/compare-multicast.sh --help." >&2
  exit 2
}

seconds=5 keep='' passed_on=()
while (($# > 0)); do
  option=$1 value=${2-} takes=2
  if [[ $option == --*=* ]]; then value=${option#*=} option=${option%%=*} takes=1; fi
  case $option in
    -h | --help) usage; exit 0 ;;
    --json) usage_error '--json is not for a table: --keep DIR leaves both reports' ;;
    --unicast) usage_error '--unicast is one of the two runs already' ;;
    --seconds) usage_error '--seconds is for a cluster without a load: use --workload SECONDS' ;;
    --workload | --keep)
      [[ $value != '' && ($takes == 1 || ($# -ge 2 && $value != --*)) ]] || usage_error "$option needs a value"
      if [[ $option == --keep ]]; then keep=$value; else seconds=$value; fi
      shift "$takes"
      ;;
    *) passed_on+=("$1"); shift ;;
  esac
done

[[ $seconds =~ ^[0-9]+(\.[0-9]+)?$ ]] || usage_error "--workload needs seconds, not \"$seconds\""
if [[ $keep != '' ]]; then
  mkdir -p "$keep" && [[ -w $keep ]] || usage_error "--keep needs a folder that can be written, not \"$keep\""
fi

has() { # OPTION: was it given?
  local each
  for each in "${passed_on[@]}"; do [[ $each != "$1" && $each != "$1="* ]] || return 0; done
  return 1
}
# An option is refused when it comes twice: what is given stands for what is meant otherwise.
defaults=(--workers 1 --key-bytes 8 --value-bytes 32 --write-ratio 0.5)
for ((at = 0; at < ${#defaults[@]}; at += 2)); do
  has "${defaults[at]}" || passed_on+=("${defaults[at]}" "${defaults[at + 1]}")
done

scratch_open zabkv-compare
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# run NAME [OPTION]: the report in $scratch/NAME.json. One with errors is shown beside the other.
run() {
  local report=$scratch/$1.json name=$1 code=0
  shift
  echo "compare: $name, $seconds s" >&2
  child_start "$name" "$root/scripts/run-zookeeper.sh" --workload "$seconds" --json "${passed_on[@]}" "$@" >"$report"
  child_wait "$CHILD_PID" || code=$?
  if ((code > 1)) || ! grep -q '"efficiency"' "$report"; then
    echo "zabkv: The run by $name gave no report: see above." >&2
    exit "$((code == 0 ? 1 : code))"
  fi
  if [[ $keep != '' ]]; then cp "$report" "$keep/"; fi
}

zabkv_setup "$root" || exit 1 # once for both runs
run multicast
run unicast --unicast
node "$root/dist/src/cli/main.js" compare "$scratch/multicast.json" "$scratch/unicast.json"

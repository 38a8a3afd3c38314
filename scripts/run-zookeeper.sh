#!/usr/bin/env bash
# Starts a cluster, here or across machines; with --workload drives a load and stops. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for part in setup children scratch addresses cluster; do
  # shellcheck source=/dev/null
  source "$root/scripts/lib/$part.sh"
done

usage() {
  cat <<'USAGE'
Usage: scripts/run-zookeeper.sh [options]

With no options: three replicas on this machine, on 127.0.0.1, until Ctrl-C. It sets up what is missing (as root:
Debian packages; always: npm ci and the build).

Where
  --replicas N            replicas on this machine (3)
  --ips A,B,C             run this on each of several machines: each finds its own addresses in the list and
                          starts those replicas; the first address is replica 0 and holds the registry.
                          The same address may come again.
  --registry HOST:PORT    a registry that runs already (a memcached, or zabkv registry)
  ZK_REGISTRY_IP          environment: address of the machine that holds the registry, if not the first of --ips
  --cluster NAME          name of the cluster (zabkv)
  --observers N           replicas here that learn and serve reads without a vote, on the first own address (0)
  --wait SECONDS          how long to wait for the registry and, with --workload, for the other replicas (120)
  --seconds N             stop after that time
  --summary SECONDS       a line about the cluster every so often (1 on a terminal, else 10; 0: none)

How (for every replica; all machines alike)
  --transport auto|verbs|udp   --device NAME   --gid-index N   --unicast   --quorum majority|all   --workers N
  --datagram-bytes N   --store-mib N   --memory store|cache   --sessions-max N   --session-window N
  --history-mib N   --spin-micros N
  --durability memory|async|fsync   --data-dir DIR (each replica in its own folder of it)   --snapshot-mib N
  --catch-up-mib N   --session-seconds N   --ack-copies N   --failure-timeout-ms N   --stuck-timeout-ms N
  --memcached [HOST:]PORT (clients of memcached; 0 for any free one)   --memcached-connections N
  --memcached-idle-seconds N   --memcached-auth-file FILE   --memcached-tls-cert FILE   --memcached-tls-key FILE
  --drop RATIO   --drop-seed N   --peer-port N   --client-port N   --admin-port N   (replicas on one address count
  all of these ports up)

Load
  --workload SECONDS      once all replicas serve: preload, run that long, report, compare the replicas, stop, exit 0
  --json                  the report as one JSON object on standard output, all else on standard error
  --write-ratio R   --keys N   --key-bytes N   --value-bytes N   --zipf EXPONENT   --single-key   --trace FILE
  --sessions N   --outstanding N   --batch N   --rate N   --warm-up SECONDS   --seed N   --no-preload
  --failover-millis N     silence of a replica after which clients move: more where replicas are slow, not dead (200)

On several machines the load comes from the machine of replica 0, or from a machine that is not in --ips (it is a client
only). The others serve until Ctrl-C or --seconds; one that was itself given --workload ends when replica 0 leaves.

A replica that dies after it had served is started again; one that cannot start ends the script.

Exit codes: 0 ok, 1 failed, 2 usage, 3 unavailable (no registry, or not all replicas came).
USAGE
}

usage_error() {
  echo "zabkv: $*: see scripts/run-zookeeper.sh --help." >&2
  exit 2
}

stop_because() { # CODE SENTENCE
  echo "zabkv: $2" >&2
  exit "$1"
}

# ---- arguments

replicas=3 observers=0 data_dir='' ips='' registry='' cluster='' wait_seconds=120 seconds='' workload='' json=''
summary=''
serve_args=() bench_args=() memcached_host='' memcached_port=''
declare -A base_port=()

needs_number() { [[ $2 =~ ^[0-9]+$ ]] || usage_error "$1 needs a whole number, not \"$2\""; }

while (($# > 0)); do
  option=$1 value=${2-} takes=2
  if [[ $option == --*=* ]]; then value=${option#*=} option=${option%%=*} takes=1; fi
  case $option in
    -h | --help) usage; exit 0 ;;
    --json) json=yes ;;
    --unicast) serve_args+=("$option") ;;
    --single-key | --no-preload) bench_args+=("$option") ;;
    --replicas | --ips | --registry | --cluster | --wait | --seconds | --workload | --transport | --device | \
      --gid-index | --quorum | --workers | --observers | --data-dir | --catch-up-mib | --durability | --snapshot-mib | \
      --session-seconds | --ack-copies | --failure-timeout-ms | --stuck-timeout-ms | \
      --datagram-bytes | --store-mib | --memory | --sessions-max | --session-window | --history-mib | \
      --memcached | --memcached-connections | --memcached-idle-seconds | --memcached-auth-file | \
      --memcached-tls-cert | --memcached-tls-key | --summary | \
      --spin-micros | --drop | --drop-seed | --peer-port | --client-port | --admin-port | --write-ratio | --keys | \
      --key-bytes | --value-bytes | --zipf | --trace | --sessions | --outstanding | --batch | --rate | --warm-up | \
      --seed | --failover-millis)
      [[ $takes == 1 || $# -ge 2 ]] || usage_error "$option needs a value"
      [[ $value != '' && ($takes == 1 || $value != --*) ]] || usage_error "$option needs a value"
      ;;
    *) usage_error "unknown option $option" ;;
  esac
  case $option in
    --json | --unicast | --single-key | --no-preload)
      [[ $1 != *=* ]] || usage_error "$option takes no value"
      takes=1
      ;;
    --replicas) needs_number "$option" "$value" && replicas=$value ;;
    --observers) needs_number "$option" "$value" && observers=$value ;;
    --data-dir) data_dir=$value ;;
    --ips) ips=$value ;;
    --registry) registry=$value ;;
    --cluster) cluster=$value ;;
    --wait) needs_number "$option" "$value" && wait_seconds=$value ;;
    --seconds) needs_number "$option" "$value" && seconds=$value ;;
    --summary) needs_number "$option" "$value" && summary=$value ;;
    --workload) workload=$value ;;
    --peer-port | --client-port | --admin-port) needs_number "$option" "$value" && base_port[$option]=$value ;;
    --memcached)
      [[ $value =~ ^([^[:space:]]*:)?([0-9]+)$ ]] || usage_error "--memcached is [HOST:]PORT, not \"$value\""
      memcached_host=${BASH_REMATCH[1]} memcached_port=${BASH_REMATCH[2]}
      ;;
    --transport | --device | --gid-index | --quorum | --workers | --datagram-bytes | --store-mib | --memory | \
      --memcached-connections | --memcached-idle-seconds | --memcached-auth-file | --memcached-tls-cert | \
      --memcached-tls-key | \
      --sessions-max | --session-window | --history-mib | --spin-micros | --durability | --snapshot-mib | \
      --session-seconds | --catch-up-mib | --ack-copies | --failure-timeout-ms | --stuck-timeout-ms | --drop | \
      --drop-seed)
      serve_args+=("$option" "$value")
      ;;
    *) bench_args+=("$option" "$value") ;;
  esac
  shift "$takes"
done

[[ $json == '' || $workload != '' ]] || usage_error '--json goes with --workload'
[[ $workload == '' || $workload =~ ^[0-9]+(\.[0-9]+)?$ ]] || usage_error "--workload needs seconds, not \"$workload\""
((${#bench_args[@]} == 0)) || [[ $workload != '' ]] || usage_error "${bench_args[0]} goes with --workload"
[[ $cluster == '' || $cluster =~ ^[A-Za-z0-9._-]{1,64}$ ]] ||
  usage_error "a cluster name is 1 to 64 of A-Z a-z 0-9 . _ -, not \"$cluster\""
if [[ $ips == '' ]]; then
  ((replicas >= 1 && replicas <= 16)) || usage_error "--replicas is 1 to 16, not $replicas"
  ips=$(printf '127.0.0.1,%.0s' $(seq "$replicas"))
  ips=${ips%,}
fi
[[ $ips =~ ^[0-9A-Fa-f.:]+(,[0-9A-Fa-f.:]+)*$ ]] ||
  usage_error "--ips is IP addresses with commas between, not \"$ips\""
IFS=, read -r -a addresses <<<"$ips"
((${#addresses[@]} + observers <= 64)) || usage_error "--observers is at most $((64 - ${#addresses[@]})) here"

# ---- from here on there are children and files of our own, and both go when the script ends

stopped_by=''
scratch_open zabkv-run
trap 'stopped_by=INT' INT
trap 'stopped_by=TERM' TERM
trap 'stopped_by=HUP' HUP

zabkv_setup "$root" || exit 1
check_stopped

# ---- who we are

own_ids=()
for id in "${!addresses[@]}"; do
  if is_own_address "${addresses[$id]}"; then own_ids+=("$id"); fi
done
if ((${#own_ids[@]} == 0)) && [[ $workload == '' ]]; then
  stop_because 2 "None of --ips $ips is an address of this machine, which has $(own_addresses | paste -sd' ')."
fi
if ((${#own_ids[@]} == ${#addresses[@]})); then all_here=yes; else all_here=''; fi
if ((${#own_ids[@]} > 0)) && ((own_ids[0] == 0)); then holds_first=yes; else holds_first=''; fi

find_registry
start_replicas
if [[ $workload != '' && ($holds_first == yes || ${#own_ids[@]} == 0) ]]; then
  drive_workload
else
  stay_up
fi

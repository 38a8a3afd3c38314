# The steps of run-zookeeper.sh, on its variables: the registry, the replicas, the load, the stay.
# shellcheck shell=bash disable=SC2154,SC2034

REGISTRY_PORT_DEFAULT=11911
REGISTRY_GIVEN_SECONDS_MAX=5

# Ends the script when it was told to stop: without a load that is how it ends well.
check_stopped() {
  [[ $stopped_by != '' ]] || return 0
  [[ $workload == '' ]] && exit 0
  if [[ $stopped_by == INT ]]; then exit 130; else exit 143; fi
}

# Sleeps a little. Without a process for it: a slow machine would be busy with starting those.
exec {PAUSE_INPUT}<> <(:) # a pipe that says nothing, and never ends
pause() {
  read -r -t "$1" -u "$PAUSE_INPUT" || true
  check_stopped
}

# ---- registry

# Sets registry to HOST:PORT and cluster; starts the registry when it is ours to hold.
find_registry() {
  local given=''
  if [[ $registry != '' ]]; then
    split_host_port "$registry" $REGISTRY_PORT_DEFAULT || usage_error "--registry is HOST:PORT, not \"$registry\""
    await_registry "$REGISTRY_GIVEN_SECONDS_MAX" 'start one there (zabkv registry, or memcached), or correct --registry'
    given=yes
  elif [[ ${ZK_REGISTRY_IP:-} != '' ]]; then
    split_host_port "$ZK_REGISTRY_IP" $REGISTRY_PORT_DEFAULT ||
      usage_error "ZK_REGISTRY_IP is an address, not \"$ZK_REGISTRY_IP\""
    if is_own_address "$HOST" && ! registry_answers "$HOST" "$PORT"; then
      start_registry "$HOST" "$PORT" || stop_because 1 "The registry did not start on $HOST port $PORT."
    else
      await_registry "$wait_seconds" "is that machine's script running?"
    fi
    given=yes
  elif [[ $holds_first == yes ]]; then
    hold_registry
  else
    HOST=${addresses[0]} PORT=$REGISTRY_PORT_DEFAULT
    await_registry "$wait_seconds" "start this script on the machine of replica 0, ${addresses[0]}"
  fi
  registry=$(join_host_port "$HOST" "$PORT")
  if [[ $cluster == '' ]]; then
    cluster=zabkv
    # Another cluster of this machine has the default port: a name of our own keeps their datagrams apart.
    if [[ $given == '' && $PORT != "$REGISTRY_PORT_DEFAULT" ]]; then cluster=zabkv-$PORT; fi
  fi
}

# The default port; any free one if that is taken and nobody else has to know.
hold_registry() {
  if start_registry "${addresses[0]}" $REGISTRY_PORT_DEFAULT; then return 0; fi
  if [[ $all_here == yes ]] && start_registry "${addresses[0]}" 0; then return 0; fi
  local where
  where=$(join_host_port "${addresses[0]}" $REGISTRY_PORT_DEFAULT)
  stop_because 1 "The registry did not start on $where: if another one runs there, give --registry $where."
}

# start_registry HOST PORT: sets HOST and PORT to where it listens.
start_registry() {
  local ready=$scratch/registry said=$scratch/registry-said pid
  child_start registry node "$root/dist/src/cli/main.js" registry --host "$1" --port "$2" --ready-file "$ready" \
    >&2 2>"$said"
  pid=$CHILD_PID
  while [[ ! -f $ready ]]; do
    if ! child_runs "$pid"; then
      child_wait "$pid" || true
      # A taken port is not worth a word where another one will do.
      if [[ $2 == 0 || $all_here != yes ]] || ! grep -q ADDRESS_IN_USE "$said"; then cat "$said" >&2; fi
      return 1
    fi
    pause 0.05
  done
  split_host_port "$(<"$ready")" $REGISTRY_PORT_DEFAULT
}

# await_registry SECONDS ADVICE: until the one at HOST PORT answers.
await_registry() {
  local deadline=$((SECONDS + $1)) told=''
  until registry_answers "$HOST" "$PORT"; do
    check_stopped
    if ((SECONDS >= deadline)); then
      stop_because 3 "The registry at $(join_host_port "$HOST" "$PORT") does not answer: $2."
    fi
    if [[ $told == '' ]]; then echo "waiting for the registry at $(join_host_port "$HOST" "$PORT")" >&2; fi
    told=yes
    pause 0.3
  done
}

# ---- replicas

declare -A replica_of=() # pid -> id, observers after the voting replicas
declare -A started_again=()
RESTART_SECONDS=1

start_replicas() {
  local id
  for id in "${own_ids[@]}"; do start_replica "$id"; done
  for ((id = ${#addresses[@]}; id < ${#addresses[@]} + observers; id++)); do start_replica "$id"; done
}

start_replica() { # ID
  local id=$1 other place=0 ports=() option words=() address first
  first=${own_ids[0]:-0}
  address=${addresses[$id]:-${addresses[$first]}}
  for ((other = 0; other < id; other++)); do # among the replicas on the same address
    if [[ ${addresses[$other]:-${addresses[$first]}} == "$address" ]]; then place=$((place + 1)); fi
  done
  if [[ $memcached_port != '' ]]; then
    ports+=(--memcached "$memcached_host$((memcached_port == 0 ? 0 : memcached_port + place))")
  fi
  for option in "${!base_port[@]}"; do
    ports+=("$option" "$((base_port[$option] == 0 ? 0 : base_port[$option] + place))")
  done
  if ((id >= ${#addresses[@]})); then words+=(--observer --ip "$address"); fi
  if [[ $data_dir != "" ]]; then
    mkdir -p "$data_dir/replica-$id" || stop_because 1 "The folder $data_dir/replica-$id cannot be made."
    words+=(--data-dir "$data_dir/replica-$id")
  fi
  child_start "replica $id" node "$root/dist/src/cli/main.js" serve --id "$id" --ips "$ips" --cluster "$cluster" \
    --registry "$registry" --ready-file "$scratch/ready-$id" "${serve_args[@]}" "${words[@]}" "${ports[@]}" >&2
  replica_of[$CHILD_PID]=$id
}

# Starts a replica again that had served. Fails with the replica's own exit code when one never did.
check_replicas() {
  local pid name id code
  for pid in "${!replica_of[@]}"; do
    if child_runs "$pid"; then continue; fi
    check_stopped
    name=${CHILDREN[$pid]} id=${replica_of[$pid]} code=0
    child_wait "$pid" || code=$?
    unset "replica_of[$pid]"
    if [[ ! -f $scratch/ready-$id && ${started_again[$id]:-} == '' ]]; then
      stop_because "$((code == 0 ? 1 : code))" "${name^} ended with exit code $code; the others are stopped."
    fi
    echo "zabkv: ${name^} ended with exit code $code and is started again." >&2
    pause "$RESTART_SECONDS"
    rm -f "$scratch/ready-$id"
    start_replica "$id"
    started_again[$id]=yes
  done
}

own_are_ready() {
  local id
  for id in "${own_ids[@]}"; do [[ -f $scratch/ready-$id ]] || return 1; done
}

# Replicas elsewhere: in the registry.
all_are_registered() {
  local id
  for id in "${!addresses[@]}"; do registry_has "$HOST" "$PORT" "zabkv:$cluster:replica:$id" || return 1; done
}

# await_ready SECONDS: no limit when empty.
await_ready() {
  local deadline=$((SECONDS + ${1:-0}))
  until own_are_ready && { ((${#own_ids[@]} > 0)) || all_are_registered; }; do
    check_replicas
    if [[ ${1:-} != '' ]] && ((SECONDS >= deadline)); then
      stop_because 3 "Not all of the ${#addresses[@]} replicas of cluster $cluster came within $1 seconds."
    fi
    pause 0.1
  done
}

# ---- load

drive_workload() {
  local pid code=0
  await_ready "$wait_seconds"
  child_start workload node "$root/dist/src/cli/main.js" bench --cluster "$cluster" --registry "$registry" \
    --seconds "$workload" ${json:+--json} "${bench_args[@]}"
  pid=$CHILD_PID
  while child_runs "$pid"; do
    check_replicas
    pause 0.1
  done
  child_wait "$pid" || code=$?
  exit "$code"
}

# ---- staying

how_to_reach() {
  cat >&2 <<TEXT
The cluster is up. From another terminal:
  export ZABKV_REGISTRY=$registry ZABKV_CLUSTER=$cluster
  node $root/dist/src/cli/main.js set hello world
TEXT
}

# Until Ctrl-C, --seconds, or (with --workload, elsewhere) until replica 0 leaves.
stay_up() {
  local until=$((SECONDS + ${seconds:-0})) every=${summary:-10} absent=0
  if [[ $workload != '' ]]; then await_ready "$wait_seconds"; else await_ready ''; fi
  if [[ $workload == '' && $holds_first == yes ]]; then
    how_to_reach
    if [[ $summary == '' && -t 2 ]]; then every=1; fi
    if ((every > 0)); then
      child_start summary node "$root/dist/src/cli/main.js" stats --line --watch "$every" --cluster "$cluster" \
        --registry "$registry" >&2
    fi
  fi
  while true; do
    check_replicas
    if [[ $seconds != '' ]] && ((SECONDS >= until)); then exit 0; fi
    if [[ $workload != '' ]]; then
      if registry_has "$HOST" "$PORT" "zabkv:$cluster:replica:0"; then absent=0; else absent=$((absent + 1)); fi
      if ((absent >= 3)); then exit 0; fi
    fi
    pause 0.5
  done
}

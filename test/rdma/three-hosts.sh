#!/usr/bin/env bash
# On each of three emulated hosts (rig.test.ts): a replica as a user starts it, with the options that are given here, as
# --unicast; and on host 1 two loads (two-loads.ts). During the second the leader's host is cut off and comes back, then
# the host of whoever leads is switched off (not host 1: a replica there that leads hangs for a while first). That load
# only writes: a read whose session moves may be refused (READ_OVERTAKEN), a write may not.
#
# Writes to /out: lossy.json and faults.json, the reports of the loads; leaders, who led before, after the cut and at
# the end; digests, of those that are left; host-N.log. Orders to a host are files there.
set -uo pipefail

ips=10.99.0.1,10.99.0.2,10.99.0.3
export ZABKV_REGISTRY=10.99.0.1:11911
CUT_SECONDS=3
exec {NOTHING}<> <(:)
pause() { read -r -t "$1" -u "$NOTHING" || true; } # without a process for it

# The cable is pulled: the port goes down and comes back, and the route of groups with it.
cut_off() {
  ip link set eth0 down
  pause "$CUT_SECONDS"
  ip link set eth0 up
  ip route replace 224.0.0.0/4 dev eth0
}

obey() {
  until [[ -e /out/end ]]; do
    if [[ -e /out/cut.$HOST_ID ]]; then
      rm "/out/cut.$HOST_ID"
      cut_off
      : >"/out/back.$HOST_ID"
    fi
    [[ ! -e /out/off.$HOST_ID ]] || power_off 0
    pause 0.3
  done
}

# ask HOST WORD: what the replica there answers. Starting node to ask would take longer here than an election.
ask() {
  local address admin
  address=$(sed -n 's/.*serves cluster.* admin \(.*\)/\1/p' "/out/host-$1.log")
  exec {admin}<>"/dev/tcp/${address%:*}/${address##*:}"
  echo "$2" >&"$admin"
  cat <&"$admin"
  exec {admin}<&-
}

# leader [FORMER]: sets LEADER to the host of the replica that leads, another than FORMER, as the replica here says.
leader() {
  local said
  for _ in {1..100}; do
    said=$(ask 1 stats | sed -n 's/.*"leader":\([0-9][0-9]*\).*/\1/p')
    LEADER=$((${said:--1} + 1))
    ((LEADER == 0 || LEADER == ${1:-0})) || break
    pause 0.3
  done
  echo "$LEADER" >>/out/leaders
}

# What the replicas that are left hold, once they say the same, or at last.
digests() { # HOST...
  local host
  for _ in {1..50}; do
    for host in "$@"; do ask "$host" digest | sed 's/"replica":[0-9]*,//'; echo; done | grep . >/out/digests
    (($(sort -u /out/digests | wc -l) > 1)) || break
    pause 0.3
  done
}

# The host that drives the load must stay on: when its replica leads, it hangs until another one does.
hang_own_replica() {
  local replica
  replica=$(pgrep -f 'main.js serve --id 0 ')
  kill -STOP "$replica"
  pause "$CUT_SECONDS"
  kill -CONT "$replica"
}

await() { # FILE: bounded by the rig's own limit
  until [[ -e $1 ]]; do pause 0.2; done
}

drive() {
  local before loads
  node dist/test/rdma/two-loads.js "$ZABKV_REGISTRY" /out 2>/out/loads.log &
  loads=$!
  until grep -q '^faults: Running' /out/loads.log; do
    kill -0 "$loads" || return 1
    pause 0.3
  done
  leader
  before=$LEADER
  : >"/out/cut.$before"
  await "/out/back.$before"
  leader "$before"
  if [[ $LEADER == 1 ]]; then
    hang_own_replica
    leader 1
  fi
  [[ $LEADER != 1 ]] || { echo 'host 1 leads, which drives the load'; return 1; }
  before=$LEADER
  : >"/out/off.$before"
  wait "$loads" || return 1
  cat /out/loads.log
  leader "$before"
  digests 1 $((5 - before)) # hosts 2 and 3 without the one that is off
}

# memcached itself, where there is one: a registry that takes no node to start.
if [[ $HOST_ID == 1 ]] && command -v memcached >/dev/null; then
  memcached -u root -U 0 -l "${ZABKV_REGISTRY%:*}" -p "${ZABKV_REGISTRY##*:}" &
fi
# Small: memory is registered with the device, page by page, and that takes long here.
small='--history-mib 8 --catch-up-mib 8 --sessions-max 1024'
where="--ips $ips --registry $ZABKV_REGISTRY --device rxe0 --transport verbs $*"
slow='--wait 200 --failure-timeout-ms 1000 --stuck-timeout-ms 10000 --spin-micros 0'
scripts/run-zookeeper.sh $where $slow $small --summary 0 >"/out/host-$HOST_ID.log" 2>&1 &
cluster=$!
obey &
code=0
if [[ $HOST_ID == 1 ]]; then
  drive || code=$?
  : >/out/end
fi
await /out/end
kill "$cluster" 2>/dev/null
wait "$cluster"
exit "$code"

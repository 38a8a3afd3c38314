# The processes that a script started: kept by pid, ended by pid, waited for. Nothing else is ever signalled.
# shellcheck shell=bash

declare -A CHILDREN=() # pid -> name

CHILDREN_END_TENTHS_MAX=100

# child_start NAME COMMAND...: in the background, with this script's standard error for all it says. Ended by the kernel
# should this script be killed. Sets CHILD_PID. The caller redirects standard output.
child_start() {
  local name=$1
  shift
  if [[ -n ${CHILDREN_SETPRIV=$(command -v setpriv || true)} ]]; then
    "$CHILDREN_SETPRIV" --pdeathsig TERM -- "$@" </dev/null &
  else
    "$@" </dev/null &
  fi
  CHILD_PID=$!
  CHILDREN[$CHILD_PID]=$name
}

child_runs() { kill -0 "$1" 2>/dev/null; }

# child_wait PID: its exit code, and forgets it.
child_wait() {
  local code=0
  wait "$1" 2>/dev/null || code=$?
  # A trapped signal ends `wait` early: the child may run on.
  while child_runs "$1"; do
    code=0
    wait "$1" 2>/dev/null || code=$?
  done
  unset "CHILDREN[$1]"
  return "$code"
}

# children_end PID...: asks them to end, waits, then insists.
children_end() {
  local pid tenths=0
  for pid in "$@"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "$@"; do
    while child_runs "$pid" && ((tenths < CHILDREN_END_TENTHS_MAX)); do
      sleep 0.1
      tenths=$((tenths + 1))
    done
    if child_runs "$pid"; then
      echo "zabkv: ${CHILDREN[$pid]} did not end when asked and was killed." >&2
      kill -KILL "$pid" 2>/dev/null || true
    fi
    wait "$pid" 2>/dev/null || true
    unset "CHILDREN[$pid]"
  done
}

# Ends all that are left; the registry last, so that replicas can withdraw from it.
children_end_all() {
  local pid first=()
  for pid in "${!CHILDREN[@]}"; do [[ ${CHILDREN[$pid]} == registry ]] || first+=("$pid"); done
  children_end "${first[@]}"
  children_end "${!CHILDREN[@]}"
}

# Which addresses are this machine's, and whether something listens on a port.
# shellcheck shell=bash

# One address a line; those of the loopback network included.
own_addresses() {
  if command -v ip >/dev/null; then
    ip -o addr | awk '{ sub("/.*", "", $4); print $4 }'
  else
    node -p 'Object.values(os.networkInterfaces()).flat().map((each) => each.address).join("\n")'
  fi
}

# is_own_address ADDRESS
is_own_address() {
  [[ $1 == 127.* || $1 == ::1 || $1 == localhost ]] && return 0
  own_addresses | grep -qxF -- "$1"
}

# split_host_port HOST:PORT DEFAULT_PORT: sets HOST and PORT; fails when it is neither HOST:PORT nor HOST.
split_host_port() {
  local text=$1 port=$2
  if [[ $text =~ ^\[([^]]+)\](:([0-9]+))?$ ]]; then
    HOST=${BASH_REMATCH[1]} PORT=${BASH_REMATCH[3]:-$port}
  elif [[ $text =~ ^([A-Za-z0-9._-]+)(:([0-9]+))?$ ]]; then
    HOST=${BASH_REMATCH[1]} PORT=${BASH_REMATCH[3]:-$port}
  else
    return 1
  fi
  ((PORT >= 1 && PORT <= 65535))
}

# join_host_port HOST PORT
join_host_port() {
  if [[ $1 == *:* ]]; then echo "[$1]:$2"; else echo "$1:$2"; fi
}

# registry_answers HOST PORT: a memcached (or the embedded one) says its version.
registry_answers() {
  local answer
  # shellcheck disable=SC2016
  answer=$(timeout 2 bash -c '
    exec 3<>"/dev/tcp/$0/$1" || exit 1
    printf "version\r\n" >&3
    IFS= read -r -t 2 line <&3 && echo "$line"' "$1" "$2" 2>/dev/null) || return 1
  [[ $answer == VERSION* ]]
}

# registry_has HOST PORT KEY: 0 it has the key, 1 it has not, 2 it does not answer.
registry_has() {
  local answer
  # shellcheck disable=SC2016
  answer=$(timeout 2 bash -c '
    exec 3<>"/dev/tcp/$0/$1" || exit 1
    printf "get %s\r\n" "$2" >&3
    IFS= read -r -t 2 line <&3 && echo "$line"' "$1" "$2" "$3" 2>/dev/null) || return 2
  [[ $answer == VALUE* ]] && return 0
  [[ $answer == END* ]] && return 1
  return 2
}

# A folder for a script's own files. When the script ends, however it ends, its children (children.sh) are ended and the
# folder is removed.
# shellcheck shell=bash

# scratch_open NAME: sets scratch. Signals do what they always do unless the caller traps them.
scratch_open() {
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX")
  trap scratch_leave EXIT
}

scratch_leave() {
  local code=$?
  # A second Ctrl-C would otherwise end this in its midst.
  trap '' INT TERM HUP
  children_end_all
  rm -rf "$scratch"
  exit "$code"
}

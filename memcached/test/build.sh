#!/bin/sh
# Builds one of this room's test programs: memcached/test/build.sh server|micro OUT [FLAG...]; -O2 without flags.
# CXX chooses the compiler.
set -eu
program=$1
out=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -eq 0 ]; then set -- -O2; fi
warnings="-std=c++20 -Wall -Wextra -Werror -fno-exceptions -fno-rtti -fvisibility=hidden -D_GNU_SOURCE"
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
cd "$build"
# shellcheck disable=SC2086 # flags are words
ls "$here"/../*.cc "$here"/reference.cc "$here/$program.cc" |
  xargs -P 2 -n 3 "${CXX:-g++}" $warnings -I"$here/../.." "$@" -c
"${CXX:-g++}" "$@" "$build"/*.o -o "$out"

#!/usr/bin/env bash
# Builds and runs the front's own tests under ASan and UBSan: sessions, links that are lost, random streams, sockets.
# Usage: front/test/run.sh [GROUP...]    CXX chooses the compiler. Ends with "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/../.."

# Objects are kept for this checkout, and built again when something changed.
out=${TMPDIR:-/tmp}/zabkv-front-test-$(pwd | cksum | cut -d ' ' -f 1)
flags=(-std=c++20 -O1 -g1 -Wall -Wextra -Werror -fno-exceptions -fno-rtti -D_GNU_SOURCE -I.
  -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
sources=(mica/*.cc machine/*.cc memcached/*.cc front/*.cc machine/test/rig.cc front/test/*.cc)

if ! echo 'int main() {}' | ${CXX:-g++} -x c++ -fsanitize=address,undefined - -o /dev/null 2>/dev/null; then
  echo "skipped: ${CXX:-g++} cannot build with -fsanitize=address,undefined here"
  echo "0 passed, 0 failed"
  exit 0
fi
mkdir -p "$out"
changed=$(find mica machine memcached front test/native \( -name "*.h" -o -name "*.cc" -o -name run.sh \) \
  -newer "$out/stamp" -print -quit 2>/dev/null || echo all)
if [[ ! -f $out/stamp || $changed != '' ]]; then
  printf '%s\n' "${sources[@]}" |
    xargs -P "$(nproc)" -I{} sh -c '"$@" -c {} -o "$0/$(echo {} | tr / _).o"' "$out" "${CXX:-g++}" "${flags[@]}"
  objects=("${sources[@]//\//_}")
  objects=("${objects[@]/#/$out/}")
  "${CXX:-g++}" "${flags[@]}" "${objects[@]/%/.o}" -o "$out/tests"
  touch "$out/stamp"
fi
exec "$out/tests" "$@"

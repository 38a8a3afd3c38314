#!/usr/bin/env bash
# Builds and runs the machine's own tests, plain and under the sanitizers. The last line says how many passed.
# Usage: run.sh [part of a claim]    `run.sh --micro` measures instead.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=${TMPDIR:-/tmp}/zabkv-machine-test-$(pwd | cksum | cut -d " " -f 1)
compiler=${CXX:-g++}
common=(-std=c++20 -Wall -Wextra -Werror -fno-exceptions -fno-rtti -I.)
plain=(-O3 -g)
sanitized=(-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)

# Objects are built side by side, and again only when something changed.
build() {
  local folder=$1; shift
  mkdir -p "$folder"
  local stamp newest
  newest=$(find machine mica test/native \( -name '*.h' -o -name '*.cc' \) -newer "$folder/stamp" 2>/dev/null |
    head -1 || true)
  if [ -f "$folder/stamp" ] && [ -z "$newest" ]; then return; fi
  printf '%s\n' machine/*.cc mica/*.cc machine/test/*.cc |
    xargs -P "$(nproc)" -I{} sh -c '"$@" -c {} -o "$0/$(echo {} | tr / _).o"' "$folder" "$compiler" "${common[@]}" "$@"
  local shared=("$folder"/machine_*.cc.o "$folder"/mica_*.cc.o)
  local tests=() object
  for object in "${shared[@]}"; do [[ $object == *_micro.cc.o ]] || tests+=("$object"); done
  "$compiler" "$@" "${tests[@]}" -o "$folder/tests"
  local micro=()
  for object in "${shared[@]}"; do [[ $object == *_test.cc.o || $object == *_main.cc.o ]] || micro+=("$object"); done
  "$compiler" "$@" "${micro[@]}" -o "$folder/micro"
  touch "$folder/stamp"
}

if [ "${1:-}" = --micro ]; then
  build "$out/plain" "${plain[@]}"
  exec "$out/plain/micro" "${@:2}"
fi

build "$out/plain" "${plain[@]}"
build "$out/sanitized" "${sanitized[@]}"
passed=0
failed=0
for folder in plain sanitized; do
  echo "# $folder"
  "$out/$folder/tests" "$@" | tee "$out/$folder/log" || true
  read -r p _ f _ < <(tail -1 "$out/$folder/log" | tr -d ,) || true
  if [[ ! ${p:-} =~ ^[0-9]+$ ]]; then p=0; f=1; echo "$folder: stopped before its end"; fi
  passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

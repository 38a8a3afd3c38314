#!/bin/sh
# Builds and runs a room's native tests three times: optimised, under ASan and UBSan, and under TSan. A sanitizer
# whose runtime is missing is skipped with the reason. Ends with "N passed, N failed".
#
# Usage: run-groups.sh "GROUPS UNDER TSAN, EMPTY: ALL" SOURCE...    CXX chooses the compiler.
set -u

tsan_groups=$1
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
compiler=${CXX:-g++}
warnings="-std=c++20 -Wall -Wextra -Werror -fno-exceptions -fno-rtti -fvisibility=hidden -pthread -D_GNU_SOURCE -I$root"
build=$(mktemp -d) || exit 1
trap 'rm -rf "$build"' EXIT
printf '%s\n' "$@" >"$build/sources"

passed=0
failed=0

# compile "FLAGS": two processes at a time.
compile() {
  rm -f "$build"/*.o
  # shellcheck disable=SC2086 # flags are words
  (cd "$build" && xargs -P 2 -n 3 "$compiler" $1 -c <sources)
}

# build_and_run NAME "FLAGS" "GROUPS": adds the program's own counts to the sum.
build_and_run() {
  echo "== $1 ($compiler $2)"
  # shellcheck disable=SC2086 # flags are words
  if ! { compile "$warnings $2" && "$compiler" -pthread $2 "$build"/*.o -o "$build/$1"; }; then
    echo "FAILED  $1: does not compile"
    failed=$((failed + 1))
    return
  fi
  # shellcheck disable=SC2086 # groups are words
  "$build/$1" $3 >"$build/$1.out" 2>&1
  code=$?
  cat "$build/$1.out"
  counts=$(sed -n 's/^\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed$/\1 \2/p' "$build/$1.out")
  if [ -z "$counts" ]; then
    echo "FAILED  $1: ended early with code $code"
    failed=$((failed + 1))
    return
  fi
  passed=$((passed + ${counts% *}))
  failed=$((failed + ${counts#* }))
  # A sanitizer's report fails the run although every check passed.
  if [ "$code" -ne 0 ] && [ "${counts#* }" -eq 0 ]; then
    echo "FAILED  $1: code $code"
    failed=$((failed + 1))
  fi
}

# sanitizer_works FLAGS: whether a program built with them starts.
sanitizer_works() {
  echo 'int main() { return 0; }' >"$build/probe.cc"
  "$compiler" "$1" "$build/probe.cc" -o "$build/probe" >/dev/null 2>&1 &&
    "$build/probe" >/dev/null 2>&1
}

build_and_run plain "-O2" ""

if sanitizer_works "-fsanitize=address,undefined"; then
  build_and_run asan "-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all" ""
else
  echo "skipped asan: $compiler cannot build or run -fsanitize=address,undefined here"
fi

if sanitizer_works "-fsanitize=thread"; then
  # g++ warns that TSan does not model fences: it needs none here, every shared word is atomic.
  fences=""
  if "$compiler" --version | grep -q "Free Software"; then fences="-Wno-tsan"; fi
  build_and_run tsan "-O1 -g1 -fsanitize=thread $fences" "$tsan_groups"
else
  echo "skipped tsan: $compiler cannot build or run -fsanitize=thread here"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Sets this machine and checkout up, then runs every test. The last lines are the test runner's own summary.
#   scripts/test.sh            all tests
#   scripts/test.sh NAME...    test files whose path contains one of the names
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=/dev/null
source scripts/lib/setup.sh
zabkv_setup "$root"

# From the sources, so that what was compiled from a file that is gone does not run. Native tests run as
# test/native.test.ts.
files=() rig=()
while IFS= read -r source; do
  compiled=dist/${source%.ts}.js
  wanted=no
  if (($# == 0)); then wanted=yes; fi
  for name in "$@"; do
    if [[ $source == *"$name"* ]]; then wanted=yes; fi
  done
  if [[ $wanted == no ]]; then continue; fi
  if [[ $source == test/rdma/* ]]; then rig+=("$compiled"); else files+=("$compiled"); fi
done < <(find test -name '*.test.ts' | sort)
if ((${#files[@]} + ${#rig[@]} == 0)); then
  echo "zabkv: No test file has $* in its path." >&2
  exit 2
fi

code=0
# Emulated RDMA hosts need QEMU, and the machine for themselves. Their tests skip, with the reason, where that cannot be
# had.
if ((${#rig[@]} > 0)); then
  if [[ ${ZABKV_RDMA_RIG:-} != 0 ]]; then scripts/rdma-rig.sh --install || true; fi
  node --test --test-concurrency=1 --test-reporter=spec "${rig[@]}" || code=1
fi
if ((${#files[@]} > 0)); then
  node --test --test-concurrency=2 --test-reporter=spec "${files[@]}" || code=1
fi
exit "$code"

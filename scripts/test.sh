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
files=()
while IFS= read -r source; do
  compiled=dist/${source%.ts}.js
  if (($# == 0)); then files+=("$compiled"); fi
  for name in "$@"; do
    if [[ $source == *"$name"* ]]; then files+=("$compiled"); break; fi
  done
done < <(find test -name '*.test.ts' | sort)
if ((${#files[@]} == 0)); then
  echo "zabkv: No test file has $* in its path." >&2
  exit 2
fi

# Emulated RDMA hosts, when asked for, need QEMU. Their tests skip, with the reason, where it cannot be had.
if [[ ${ZABKV_RDMA_RIG:-} != '' && " ${files[*]}" == */test/rdma/* ]]; then scripts/rdma-rig.sh --install || true; fi

exec node --test --test-concurrency=2 --test-reporter=spec "${files[@]}"

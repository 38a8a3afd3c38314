#!/usr/bin/env bash
# Builds the addon into build/Release/zabkv.node; does nothing when that is newer than everything it
# is built from.
set -euo pipefail
cd "$(dirname "$0")/.."

addon=build/Release/zabkv.node
stamp=build/zabkv.stamp
log=build/zabkv.log
verbs=$(bash scripts/native-sources.sh --verbs)
inputs() {
  cat binding.gyp scripts/native-sources.sh
  find verbs-addon front machine memcached mica wal -maxdepth 1 \( -name '*.h' -o -name '*.cc' \) | sort | xargs cat
}
sum=$(inputs | sha256sum | cut -c1-32)
fingerprint="$sum node=$(node -p process.versions.modules) verbs=$verbs $(uname -m)"

said="without verbs: UDP only (install libibverbs-dev and librdmacm-dev for RDMA)"
if [ "$verbs" = yes ]; then said="with verbs and UDP"; fi
if [ -f "$addon" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$fingerprint" ]; then
  echo "build-native: $addon is up to date, $said"
  exit 0
fi

# The headers that came with this node, when it brought them; else node-gyp fetches them.
prefix=$(dirname "$(dirname "$(realpath "$(node -p process.execPath)")")")
nodedir=()
if [ -f "$prefix/include/node/node_api.h" ]; then nodedir=("--nodedir=$prefix"); fi
mkdir -p build
gyp=node_modules/node-gyp/bin/node-gyp.js
if ! node "$gyp" configure build --jobs max "${nodedir[@]}" >"$log" 2>&1; then
  cat "$log" >&2
  echo "build-native: failed, $said" >&2
  exit 1
fi
printf '%s' "$fingerprint" > "$stamp"
echo "build-native: built $addon, $said"

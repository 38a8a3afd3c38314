#!/usr/bin/env bash
# Builds native programs of the benchmarks into build/bench/; does nothing for those that are newer than their sources.
#   bench/build.sh NAME...     limit, store, pipeline, zookeeper, etcd
# A program whose library is missing is not built, and that is the exit code: 3.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A sources=(
  [limit]='bench/limit/*.cc mica/*.cc'
  [store]='bench/micro/store.cc mica/*.cc'
  [pipeline]='bench/native/pipeline.cc bench/native/dialects.cc'
  [zookeeper]='bench/native/zookeeper.cc'
  [etcd]='bench/native/etcd.cc bench/native/etcd_wire.cc'
)
declare -A libraries=([zookeeper]='-lzookeeper_mt' [etcd]='-lnghttp2')
declare -A headers=([zookeeper]=zookeeper/zookeeper.h [etcd]=nghttp2/nghttp2.h)
# As the addon is built (binding.gyp), so that the store is the same code.
flags=(-O3 -std=c++20 -Wall -Wextra -Werror -fno-exceptions -fno-rtti -fno-strict-aliasing -pthread -D_GNU_SOURCE -I.)

mkdir -p build/bench
for name in "$@"; do
  [[ -v sources[$name] ]] || { echo "bench/build.sh: there is no program $name" >&2; exit 2; }
  header=${headers[$name]:-}
  if [[ $header != '' ]] && ! printf '#include <%s>\n' "$header" | ${CXX:-g++} -E -x c++ - >/dev/null 2>&1; then
    echo "bench/build.sh: $name needs <$header>" >&2
    exit 3
  fi
  # shellcheck disable=SC2086 # patterns are words
  files=(${sources[$name]})
  program=build/bench/$name
  if [[ -f $program ]]; then
    newer=$(find bench mica \( -name '*.h' -o -name '*.cc' -o -name build.sh \) -newer "$program" -print -quit)
    [[ $newer != '' ]] || continue
  fi
  # shellcheck disable=SC2086 # libraries are words
  ${CXX:-g++} "${flags[@]}" "${files[@]}" ${libraries[$name]:-} -o "$program.new"
  mv "$program.new" "$program"
done

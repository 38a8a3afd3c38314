#!/usr/bin/env bash
# Prints what the addon is built from, for binding.gyp:
#   native-sources.sh             its sources
#   native-sources.sh --libraries the libraries it links
#   native-sources.sh --verbs     yes or no: whether the verbs provider is among them
# The verbs provider is built where its headers are; elsewhere verbs_absent.cc stands in.
set -euo pipefail
cd "$(dirname "$0")/.."

verbs=no
if [ "${ZABKV_WITHOUT_VERBS:-}" = "" ] &&
  printf '#include <%s>\n' infiniband/verbs.h rdma/rdma_cma.h | ${CC:-cc} -E - >/dev/null 2>&1; then
  verbs=yes
fi

case ${1:-} in
  --verbs) echo "$verbs" ;;
  --libraries) if [ "$verbs" = yes ]; then echo "-libverbs -lrdmacm"; fi ;;
  '')
    shopt -s nullglob
    for source in verbs-addon/*.cc front/*.cc machine/*.cc memcached/*.cc mica/*.cc wal/*.cc; do
      case $verbs:$source in
        yes:*/verbs_absent.cc) ;;
        no:*/verbs_absent.cc) echo "$source" ;;
        no:*/verbs_*) ;;
        *) echo "$source" ;;
      esac
    done
    ;;
  *) echo "native-sources: unknown option $1" >&2; exit 2 ;;
esac

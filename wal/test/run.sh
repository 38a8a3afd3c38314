#!/bin/sh
# Runs wal's own tests, plain and under the sanitizers.
# Usage: wal/test/run.sh        CXX chooses the compiler. Ends with "N passed, N failed".
here=$(cd "$(dirname "$0")" && pwd)
exec sh "$here/../../test/native/run-groups.sh" "" \
  "$here"/../*.cc "$here"/../../mica/hash.cc "$here"/main.cc "$here"/*_test.cc

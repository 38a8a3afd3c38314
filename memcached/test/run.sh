#!/bin/sh
# Runs memcached's own tests, plain and under the sanitizers; nothing here has a second thread.
# Usage: memcached/test/run.sh        CXX chooses the compiler. Ends with "N passed, N failed".
here=$(cd "$(dirname "$0")" && pwd)
exec sh "$here/../../test/native/run-groups.sh" text \
  "$here"/../*.cc "$here"/main.cc "$here"/reference.cc "$here"/*_test.cc

#!/bin/sh
# Runs mica's own tests, plain and under the sanitizers; under TSan the readers beside the writer.
# Usage: mica/test/run.sh        CXX chooses the compiler. Ends with "N passed, N failed".
here=$(cd "$(dirname "$0")" && pwd)
exec sh "$here/../../test/native/run-groups.sh" readers "$here"/../*.cc "$here"/main.cc "$here"/*_test.cc

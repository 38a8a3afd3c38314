/** Runs the groups of tests named on the command line, or all. */
#include "fixture.h"

namespace {

constexpr native_test::Group GROUPS[] = {
    {"replay", wal::test::replayTests},   {"damage", wal::test::damageTests},
    {"discard", wal::test::discardTests}, {"writer", wal::test::writerTests},
    {"snapshot", wal::test::snapshotTests}};

}  // namespace

int main(int argc, char** argv) { return native_test::runGroups(GROUPS, argc, argv); }

/** Runs the groups of tests named on the command line, or all. */
#include <cstring>

#include "fixture.h"

namespace {

struct Group {
  const char* name;
  void (*run)();
};

constexpr Group GROUPS[] = {
    {"replay", wal::test::replayTests},   {"damage", wal::test::damageTests},
    {"discard", wal::test::discardTests}, {"writer", wal::test::writerTests},
    {"snapshot", wal::test::snapshotTests}};

}  // namespace

int main(int argc, char** argv) {
  for (const Group& group : GROUPS) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], group.name) == 0;
    if (wanted) group.run();
  }
  return wal::test::finish();
}

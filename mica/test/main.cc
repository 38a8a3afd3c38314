/** Runs the groups of tests named on the command line, or all. */
#include <cstring>

#include "fixture.h"

namespace {

struct Group {
  const char* name;
  void (*run)();
};

constexpr Group GROUPS[] = {
    {"hash", mica::test::hashTests},     {"layout", mica::test::layoutTests},
    {"store", mica::test::storeTests},   {"index", mica::test::indexTests},
    {"memory", mica::test::memoryTests}, {"model", mica::test::modelTests},
    {"readers", mica::test::readerTests}, {"keeper", mica::test::keeperTests}};

}  // namespace

int main(int argc, char** argv) {
  for (const Group& group : GROUPS) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], group.name) == 0;
    if (wanted) group.run();
  }
  return mica::test::finish();
}

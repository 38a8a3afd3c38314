/** Runs the groups of tests named on the command line, or all. */
#include "fixture.h"

namespace {

constexpr native_test::Group GROUPS[] = {
    {"hash", mica::test::hashTests},     {"layout", mica::test::layoutTests},
    {"store", mica::test::storeTests},   {"index", mica::test::indexTests},
    {"memory", mica::test::memoryTests}, {"model", mica::test::modelTests},
    {"readers", mica::test::readerTests}, {"keeper", mica::test::keeperTests},
    {"time", mica::test::timeTests}};

}  // namespace

int main(int argc, char** argv) { return native_test::runGroups(GROUPS, argc, argv); }

/** Runs the groups of tests named on the command line, or all. */
#include "front/test/world.h"

namespace {

constexpr native_test::Group GROUPS[] = {{"sessions", front::test::sessionTests},
                                         {"resends", front::test::resendTests},
                                         {"streams", front::test::streamTests},
                                         {"server", front::test::serverTests}};

}  // namespace

int main(int argc, char** argv) { return native_test::runGroups(GROUPS, argc, argv); }

/** Runs the groups of tests named on the command line, or all. */
#include "fixture.h"

namespace {

constexpr native_test::Group GROUPS[] = {
    {"text", memcached::test::textTests},     {"meta", memcached::test::metaTests},
    {"time", memcached::test::timeTests},     {"binary", memcached::test::binaryTests},
    {"login", memcached::test::loginTests},   {"flow", memcached::test::flowTests},
    {"splits", memcached::test::splitTests}};

}  // namespace

int main(int argc, char** argv) { return native_test::runGroups(GROUPS, argc, argv); }

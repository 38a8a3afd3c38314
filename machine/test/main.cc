// Runs every test that the other files registered. Usage: tests [part of a claim]
#include <cstring>

#include "machine/test/check.h"

int main(int count, char** arguments) {
  int passed = 0;
  int failed = 0;
  for (const check::Test& test : check::tests()) {
    if (count > 1 && std::strstr(test.claim, arguments[1]) == nullptr) continue;
    check::failures() = 0;
    test.run();
    const bool good = check::failures() == 0;
    std::printf("%s %s\n", good ? "ok  " : "FAIL", test.claim);
    ++(good ? passed : failed);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed != 0 ? 0 : 1;
}

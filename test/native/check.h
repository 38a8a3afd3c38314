/**
 * Native tests in groups: a failed claim is printed and counted, and the test goes on.
 *
 * A room's tests are functions that call run() for each claim; its main names them as groups.
 */
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace native_test {

struct Tally {
  uint32_t passed = 0;
  uint32_t failed = 0;
  uint32_t failuresInTest = 0;
};

/** Tests run on one thread; readers in other threads report through their own results. */
inline Tally tally;

inline void checkAt(bool fact, const char* text, const char* file, int line) {
  if (fact) return;
  ++tally.failuresInTest;
  if (tally.failuresInTest <= 5) std::printf("    %s:%d: not so: %s\n", file, line, text);
}

inline void run(const char* claim, void (*body)()) {
  tally.failuresInTest = 0;
  body();
  const bool passed = tally.failuresInTest == 0;
  ++(passed ? tally.passed : tally.failed);
  std::printf("%s  %s\n", passed ? "ok    " : "FAILED", claim);
  std::fflush(stdout);
}

struct Group {
  const char* name;
  void (*run)();
};

/** Runs the groups named on the command line, or all. Returns the process's exit code. */
template <uint32_t N>
int runGroups(const Group (&groups)[N], int argc, char** argv) {
  for (const Group& group : groups) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], group.name) == 0;
    if (wanted) group.run();
  }
  std::printf("%u passed, %u failed\n", tally.passed, tally.failed);
  return tally.failed == 0 ? 0 : 1;
}

}  // namespace native_test

#define CHECK(fact) ::native_test::checkAt((fact), #fact, __FILE__, __LINE__)

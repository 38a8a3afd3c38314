/** The tests' own check: a failed claim is printed and counted, and the test goes on. */
#pragma once

#include <cstdint>
#include <cstdio>

namespace wal::test {

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

/** The process's exit code. */
inline int finish() {
  std::printf("%u passed, %u failed\n", tally.passed, tally.failed);
  return tally.failed == 0 ? 0 : 1;
}

}  // namespace wal::test

#define CHECK(fact) ::wal::test::checkAt((fact), #fact, __FILE__, __LINE__)

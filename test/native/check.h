/**
 * Native tests as claims: a failed check is printed and counted, and the test goes on.
 *
 * A room's tests are either functions that call run() for each claim, which its main names as groups; or
 * TEST("what holds") { ... }, which register themselves, and its main runs all of them.
 */
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>
#include <vector>

namespace native_test {

struct Tally {
  uint32_t passed = 0;
  uint32_t failed = 0;
  uint32_t failuresInTest = 0;
};

/** Tests run on one thread; readers in other threads report through their own results. */
inline Tally tally;

constexpr uint32_t FAILURES_SHOWN_MAX = 5;  // of a test

inline bool isShown() { return ++tally.failuresInTest <= FAILURES_SHOWN_MAX; }

inline void checkAt(bool fact, const char* text, const char* file, int line) {
  if (!fact && isShown()) std::printf("    %s:%d: not so: %s\n", file, line, text);
}

template <typename A, typename B>
void equalAt(const A& a, const B& b, const char* text, const char* file, int line) {
  if (a == b || !isShown()) return;
  std::printf("    %s:%d: not so: %s", file, line, text);
  if constexpr (std::is_arithmetic_v<A> && std::is_arithmetic_v<B>) {
    std::printf(", but %.0f and %.0f", static_cast<double>(a), static_cast<double>(b));
  }
  std::printf("\n");
}

inline void run(const char* claim, void (*body)()) {
  tally.failuresInTest = 0;
  body();
  const bool passed = tally.failuresInTest == 0;
  ++(passed ? tally.passed : tally.failed);
  std::printf("%s  %s\n", passed ? "ok    " : "FAILED", claim);
  std::fflush(stdout);
}

/** The last line of a run, and the process's exit code. */
inline int finish() {
  std::printf("%u passed, %u failed\n", tally.passed, tally.failed);
  return tally.failed == 0 ? 0 : 1;
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
  return finish();
}

struct Test {
  const char* claim;
  void (*body)();
};

inline std::vector<Test>& registered() {
  static std::vector<Test> all;
  return all;
}

struct Registration {
  Registration(const char* claim, void (*body)()) { registered().push_back({claim, body}); }
};

/** Runs the registered tests whose claim has this part, or all. Returns the process's exit code: 1 if there is none. */
inline int runRegistered(int argc, char** argv) {
  for (const Test& test : registered()) {
    if (argc == 1 || std::strstr(test.claim, argv[1]) != nullptr) run(test.claim, test.body);
  }
  const int code = finish();
  return tally.passed == 0 ? 1 : code;
}

}  // namespace native_test

#define CHECK(fact) ::native_test::checkAt((fact), #fact, __FILE__, __LINE__)
#define EQUAL(a, b) ::native_test::equalAt((a), (b), #a " == " #b, __FILE__, __LINE__)
#define TEST_JOIN(a, b) a##b
#define TEST_NAME(a, b) TEST_JOIN(a, b)
#define TEST(claim)                                                                                          \
  static void TEST_NAME(test, __LINE__)();                                                                   \
  static const ::native_test::Registration TEST_NAME(registered, __LINE__)(claim, TEST_NAME(test, __LINE__)); \
  static void TEST_NAME(test, __LINE__)()

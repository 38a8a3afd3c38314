/**
 * Tests as claims: TEST("what holds") { CHECK(...) }. A failed check is told and counted; the test
 * goes on.
 */
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace check {

struct Test {
  const char* claim;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Register {
  Register(const char* claim, void (*run)()) { tests().push_back({claim, run}); }
};

inline void that(bool fact, const char* text, const char* file, int line) {
  if (fact) return;
  if (++failures() <= 20) std::printf("  failed: %s (%s:%d)\n", text, file, line);
}

template <typename A, typename B>
void equal(const A& a, const B& b, const char* text, const char* file, int line) {
  if (a == b) return;
  if (++failures() > 20) return;
  if constexpr (std::is_arithmetic_v<A> && std::is_arithmetic_v<B>) {
    std::printf("  failed: %s: %.0f is not %.0f (%s:%d)\n", text, static_cast<double>(a),
                static_cast<double>(b), file, line);
  } else {
    std::printf("  failed: %s (%s:%d)\n", text, file, line);
  }
}

}  // namespace check

#define CHECK(fact) check::that((fact), #fact, __FILE__, __LINE__)
#define EQUAL(a, b) check::equal((a), (b), #a " == " #b, __FILE__, __LINE__)
#define TEST_JOIN(a, b) a##b
#define TEST_NAME(a, b) TEST_JOIN(a, b)
#define TEST(claim)                                                                               \
  static void TEST_NAME(test, __LINE__)();                                                        \
  static const check::Register TEST_NAME(registered, __LINE__)(claim, TEST_NAME(test, __LINE__)); \
  static void TEST_NAME(test, __LINE__)()

/**
 * Asserts that stay on in production, for what the code says about its own state.
 *
 * A failed assert ends the process: Zab survives a stopped replica, not a wrong one. Never used on
 * what a client says.
 */
#pragma once

#include <cstdio>
#include <cstdlib>

namespace machine {

/** `invariant` is a constant sentence, stated positively. */
inline void require(bool fact, const char* invariant) {
  if (__builtin_expect(fact, 1)) return;
  std::fprintf(stderr, "machine: assertion failed: %s\n", invariant);
  std::abort();
}

}  // namespace machine

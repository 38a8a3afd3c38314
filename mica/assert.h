/**
 * Asserts that stay on in production, for what the code says about its own state.
 *
 * A failed assert ends the process: Zab survives a stopped replica, not a wrong one.
 */
#pragma once

#include <cstdio>
#include <cstdlib>

namespace mica {

/** `invariant` is a constant sentence, stated positively. */
inline void require(bool fact, const char* invariant) {
  if (__builtin_expect(fact, 1)) return;
  std::fprintf(stderr, "mica: assertion failed: %s\n", invariant);
  std::abort();
}

}  // namespace mica

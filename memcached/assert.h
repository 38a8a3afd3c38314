/**
 * Asserts that stay on in production, for what the code says about its own state.
 *
 * A failed assert ends the process. Never used on what a client says.
 */
#pragma once

#include <cstdio>
#include <cstdlib>

namespace memcached {

/** `invariant` is a constant sentence, stated positively. */
inline void require(bool fact, const char* invariant) {
  if (__builtin_expect(fact, 1)) return;
  std::fprintf(stderr, "memcached: assertion failed: %s\n", invariant);
  std::abort();
}

}  // namespace memcached

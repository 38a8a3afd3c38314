/**
 * Asserts that stay on in production, for what the code says about its own state. What the disk
 * says is never asserted: it is reported by name.
 */
#pragma once

#include <cstdio>
#include <cstdlib>

namespace wal {

/** `invariant` is a constant sentence, stated positively. */
inline void require(bool fact, const char* invariant) {
  if (__builtin_expect(fact, 1)) return;
  std::fprintf(stderr, "wal: assertion failed: %s\n", invariant);
  std::abort();
}

}  // namespace wal

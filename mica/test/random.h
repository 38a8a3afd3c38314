/** Seeded random numbers (splitmix64): a seed replays a test exactly. */
#pragma once

#include <cstdint>

namespace mica::test {

struct Random {
  uint64_t state;

  uint64_t next() {
    state += 0x9e3779b97f4a7c15;
    uint64_t word = state;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
  }

  uint64_t below(uint64_t bound) { return next() % bound; }
  bool oneIn(uint64_t count) { return below(count) == 0; }
};

}  // namespace mica::test

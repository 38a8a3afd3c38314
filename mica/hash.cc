/** Hashing of inputs over 16 bytes: the digest's items and the datagrams' checksums. */
#include "hash.h"

namespace mica {

uint64_t hashLong(const uint8_t* from, size_t bytes, uint64_t seed) {
  if (bytes <= 32) {
    const uint64_t first = hashMix16(from, HASH_SECRETS[2], seed);
    const uint64_t last = hashMix16(from + bytes - 16, HASH_SECRETS[3], seed ^ HASH_SECRETS[6]);
    return hashFinish(first, last, seed, bytes);
  }
  const uint8_t* const end = from + bytes;
  HashLanes lanes(seed);
  if (bytes < 64) {
    // The two halves overlap in the middle, which is cheaper than a loop over the rest.
    lanes.a = hashMix16(from, HASH_SECRETS[2], lanes.a);
    lanes.b = hashMix16(from + 16, HASH_SECRETS[3], lanes.b);
    lanes.c = hashMix16(end - 32, HASH_SECRETS[4], lanes.c);
    lanes.d = hashMix16(end - 16, HASH_SECRETS[5], lanes.d);
  } else {
    for (; end - from > 64; from += 64) lanes.take64(from);
    lanes.take64(end - 64);
  }
  return lanes.finish(seed, bytes);
}

}  // namespace mica

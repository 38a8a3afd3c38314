/** Hashing of inputs over 16 bytes: the digest's items and the datagrams' checksums. */
#include "hash.h"

namespace mica {

namespace {

/** One multiplication takes in 16 bytes. */
inline uint64_t mix16(const uint8_t* from, uint64_t secret, uint64_t state) {
  return hashMix(hashRead8(from) ^ secret, hashRead8(from + 8) ^ state);
}

/** Four lanes that do not wait for each other: a multiplication's latency is hidden by the rest. */
struct Lanes {
  uint64_t a, b, c, d;

  void take64(const uint8_t* from) {
    a = mix16(from, HASH_SECRETS[2], a);
    b = mix16(from + 16, HASH_SECRETS[3], b);
    c = mix16(from + 32, HASH_SECRETS[4], c);
    d = mix16(from + 48, HASH_SECRETS[5], d);
  }
};

}  // namespace

uint64_t hashLong(const uint8_t* from, size_t bytes, uint64_t seed) {
  if (bytes <= 32) {
    const uint64_t first = mix16(from, HASH_SECRETS[2], seed);
    const uint64_t last = mix16(from + bytes - 16, HASH_SECRETS[3], seed ^ HASH_SECRETS[6]);
    return hashFinish(first, last, seed, bytes);
  }
  const uint8_t* const end = from + bytes;
  Lanes lanes = {seed, seed ^ HASH_SECRETS[6], seed ^ HASH_SECRETS[7], seed ^ HASH_SECRETS[0]};
  if (bytes < 64) {
    // The two halves overlap in the middle, which is cheaper than a loop over the rest.
    lanes.a = mix16(from, HASH_SECRETS[2], lanes.a);
    lanes.b = mix16(from + 16, HASH_SECRETS[3], lanes.b);
    lanes.c = mix16(end - 32, HASH_SECRETS[4], lanes.c);
    lanes.d = mix16(end - 16, HASH_SECRETS[5], lanes.d);
  } else {
    for (; end - from > 64; from += 64) lanes.take64(from);
    lanes.take64(end - 64);
  }
  return hashFinish(lanes.a + std::rotl(lanes.b, 23), lanes.c + std::rotl(lanes.d, 41), seed,
                    bytes);
}

}  // namespace mica

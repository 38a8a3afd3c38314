/**
 * The one hash function: keys to buckets, items to the digest, datagrams to their checksum.
 *
 * Built from 64x64 -> 128 bit multiplications, as wyhash is. Bytes are read as little endian on
 * every machine, so that digests and checksums agree between machines. Not cryptographic: someone
 * who may choose keys can choose colliding ones.
 */
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mica {

/** Fraction digits of pi: constants with nothing hidden in them. */
inline constexpr uint64_t HASH_SECRETS[8] = {
    0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89,
    0x452821e638d01377, 0xbe5466cf34e90c6c, 0xc0ac29b7c97c50dd, 0x3f84d5b5b5470917};
inline constexpr uint64_t KEY_SEED = 0x9216d5d98979fb1b;

inline uint64_t hashRead8(const uint8_t* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

inline uint64_t hashRead4(const uint8_t* from) {
  uint32_t word;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap32(word);
  return word;
}

/** 1 to 7 bytes as a word padded with zeros, without a loop: the reads overlap and agree. */
inline uint64_t hashReadPartial(const uint8_t* from, size_t bytes) {
  if (bytes >= 4) {
    return hashRead4(from) | hashRead4(from + bytes - 4) << ((bytes - 4) * 8);
  }
  return uint64_t{from[0]} | uint64_t{from[bytes / 2]} << (bytes / 2 * 8) |
         uint64_t{from[bytes - 1]} << ((bytes - 1) * 8);
}

/** Both halves of the product, folded: every input bit reaches the middle of the result. */
inline uint64_t hashMix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hashFinish(uint64_t a, uint64_t b, uint64_t seed, size_t bytes) {
  const uint64_t mixed = hashMix(a ^ HASH_SECRETS[1], b ^ seed);
  return hashMix(mixed ^ HASH_SECRETS[0], bytes ^ seed ^ HASH_SECRETS[7]);
}

/** One multiplication takes in 16 bytes. */
inline uint64_t hashMix16(const uint8_t* from, uint64_t secret, uint64_t state) {
  return hashMix(hashRead8(from) ^ secret, hashRead8(from + 8) ^ state);
}

/** Four lanes that do not wait for each other: a multiplication's latency is hidden by the rest. */
struct HashLanes {
  uint64_t a, b, c, d;

  explicit HashLanes(uint64_t seed)
      : a(seed), b(seed ^ HASH_SECRETS[6]), c(seed ^ HASH_SECRETS[7]), d(seed ^ HASH_SECRETS[0]) {}

  void take64(const uint8_t* from) {
    a = hashMix16(from, HASH_SECRETS[2], a);
    b = hashMix16(from + 16, HASH_SECRETS[3], b);
    c = hashMix16(from + 32, HASH_SECRETS[4], c);
    d = hashMix16(from + 48, HASH_SECRETS[5], d);
  }
  uint64_t finish(uint64_t seed, size_t bytes) const {
    return hashFinish(a + std::rotl(b, 23), c + std::rotl(d, 41), seed, bytes);
  }
};

/** Inputs over 16 bytes, in hash.cc. */
uint64_t hashLong(const uint8_t* from, size_t bytes, uint64_t seed);

inline uint64_t hash64(const void* data, size_t bytes, uint64_t seed) {
  const auto* from = static_cast<const uint8_t*>(data);
  if (bytes > 16) return hashLong(from, bytes, seed);
  if (bytes > 8) return hashFinish(hashRead8(from), hashRead8(from + bytes - 8), seed, bytes);
  if (bytes == 8) return hashFinish(hashRead8(from), 0, seed, bytes);
  return hashFinish(bytes == 0 ? 0 : hashReadPartial(from, bytes), 0, seed, bytes);
}

/** hash64 of exactly 64 bytes, without a call: what an item of 8 and 32 bytes is. */
inline uint64_t hashLine(const void* data, uint64_t seed) {
  HashLanes lanes(seed);
  lanes.take64(static_cast<const uint8_t*>(data));
  return lanes.finish(seed, 64);
}

inline uint32_t fold32(uint64_t hash) { return static_cast<uint32_t>(hash ^ (hash >> 32)); }

/** The hash by which a key is stored; callers compute it once and hand it in. */
inline uint64_t hashKey(const uint8_t* key, uint32_t keyBytes) {
  return hash64(key, keyBytes, KEY_SEED);
}

}  // namespace mica

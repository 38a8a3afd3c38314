/** The hash function: every bit counts, long inputs included, and its values never change. */
#include <algorithm>
#include <bit>
#include <set>
#include <vector>

#include "fixture.h"

namespace mica::test {
namespace {

constexpr size_t LENGTHS_MAX = 300;

void everyBitCounts() {
  for (size_t bytes = 1; bytes <= LENGTHS_MAX; ++bytes) {
    std::string input = valueOf(bytes, bytes);
    const uint64_t before = hash64(input.data(), bytes, 1);
    uint64_t changedBits = 0;
    for (size_t bit = 0; bit < bytes * 8; ++bit) {
      input[bit / 8] = static_cast<char>(input[bit / 8] ^ 1 << bit % 8);
      const uint64_t after = hash64(input.data(), bytes, 1);
      CHECK(after != before);
      changedBits += static_cast<uint64_t>(std::popcount(after ^ before));
      input[bit / 8] = static_cast<char>(input[bit / 8] ^ 1 << bit % 8);
    }
    // Half of the 64 bits on average; a few inputs alone may be off by some.
    const double mean = static_cast<double>(changedBits) / static_cast<double>(bytes * 8);
    CHECK(mean > 26 && mean < 38);
  }
}

void lengthAndSeedCount() {
  std::set<uint64_t> seen;
  const std::string zeros(LENGTHS_MAX, '\0');
  for (size_t bytes = 0; bytes <= LENGTHS_MAX; ++bytes) {
    for (uint64_t seed = 0; seed < 4; ++seed) seen.insert(hash64(zeros.data(), bytes, seed));
  }
  CHECK(seen.size() == (LENGTHS_MAX + 1) * 4);
}

void placeDoesNotCount() {
  for (size_t bytes = 0; bytes <= LENGTHS_MAX; ++bytes) {
    const std::string input = valueOf(bytes, bytes);
    const std::string shifted = "x" + input;
    CHECK(hash64(input.data(), bytes, 5) == hash64(shifted.data() + 1, bytes, 5));
  }
}

void blocksDoNotCommute() {
  // A checksum must notice blocks that changed places.
  const std::string a = valueOf(1, 64), b = valueOf(2, 64), c = valueOf(3, 64);
  CHECK(hash64((a + b + c).data(), 192, 0) != hash64((b + a + c).data(), 192, 0));
  for (size_t lane = 16; lane < 64; lane += 16) {
    std::string swapped = a;
    std::swap_ranges(swapped.begin(), swapped.begin() + 16,
                     swapped.begin() + static_cast<std::ptrdiff_t>(lane));
    CHECK(hash64(a.data(), 64, 0) != hash64(swapped.data(), 64, 0));
  }
}

void countersSpread() {
  // Keys that count upwards fill buckets like random ones: by the low bits and by the tag's.
  constexpr uint32_t KEYS = 1 << 16;
  std::vector<uint32_t> low(KEYS / 8), high(KEYS / 8);
  for (uint64_t i = 0; i < KEYS; ++i) {
    const uint64_t hash = hash64(&i, sizeof i, KEY_SEED);
    ++low[hash % low.size()];
    ++high[hash >> 51];
  }
  const auto crowded = [](uint32_t count) { return count > 32; };
  CHECK(std::none_of(low.begin(), low.end(), crowded));
  CHECK(std::none_of(high.begin(), high.end(), crowded));
}

void valuesAreFixed() {
  // Digests and checksums travel: a change of these numbers is a change of format.
  const std::string text = valueOf(42, 1440);
  CHECK(hash64(text.data(), 0, 0) == 0x23cdeab75b16e3d3);
  CHECK(hash64(text.data(), 8, 1) == 0xe143d1a50da3ff8e);
  CHECK(hash64(text.data(), 13, 1) == 0xbbc29c153cdfc835);
  CHECK(hash64(text.data(), 32, 1) == 0x61a75cdee2cee354);
  CHECK(hash64(text.data(), 63, 1) == 0x716c7bd867e29196);
  CHECK(hash64(text.data(), 1440, 1) == 0x2df3ccd007624224);
  CHECK(fold32(0x0000000100000002) == 3);
}

}  // namespace

void hashTests() {
  run("hash: every bit of the input changes about half of the bits", everyBitCounts);
  run("hash: length and seed count, for zeros too", lengthAndSeedCount);
  run("hash: where the bytes lie does not count", placeDoesNotCount);
  run("hash: blocks that change places change the hash", blocksDoNotCommute);
  run("hash: counting keys spread over buckets and tags", countersSpread);
  run("hash: known values stay", valuesAreFixed);
}

}  // namespace mica::test

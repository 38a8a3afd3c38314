/** Memory: equal refusals whatever the history, memory that moves between classes and goes back. */
#include <vector>

#include "fixture.h"

namespace mica::test {
namespace {

void ageStore(Store& store, uint64_t seed) {
  // Fill to the brim with ever other sizes, and empty again: what remains is history only.
  Random random = {seed};
  for (uint64_t round = 0; round < 3; ++round) {
    const uint64_t bytes = uint64_t{20} << random.below(12);
    uint64_t count = 0;
    while (set(store, "aged" + std::to_string(count), valueOf(1, bytes), {1}).status ==
           Status::ok) {
      ++count;
    }
    for (uint64_t i = 0; i < count; ++i) remove(store, "aged" + std::to_string(i));
  }
}

void refuseAlike() {
  const auto young = Store::create({2 * MIB, 0}), old = Store::create({2 * MIB, 50'000});
  ageStore(*old, 5);
  CHECK(old->items() == 0 && old->chargedBytes() == 0 && old->digest() == 0);
  Random random = {11};
  uint64_t refused = 0;
  for (uint64_t i = 0; i < 200'000; ++i) {
    const std::string key = std::to_string(random.below(20'000));
    if (random.oneIn(4)) {
      const Outcome a = remove(*young, key), b = remove(*old, key);
      CHECK(is(a, b.status, b.version));
      continue;
    }
    const uint64_t bytesBelow = random.oneIn(20) ? 5'000 : 200;
    const std::string value = valueOf(i, random.below(bytesBelow));
    const Outcome a = set(*young, key, value, {i}), b = set(*old, key, value, {i});
    CHECK(is(a, b.status, b.version));
    refused += a.status == Status::full;
  }
  CHECK(refused > 1'000);
  CHECK(young->digest() == old->digest() && young->chargedBytes() == old->chargedBytes());
}

void movesBetweenClasses() {
  constexpr uint64_t LIMIT = 64 * MIB;
  const auto store = Store::create({LIMIT, 0});
  for (uint32_t bytes = 32; bytes <= VALUE_BYTES_MAX; bytes *= 4) {
    uint64_t count = 0;
    while (set(*store, std::to_string(bytes) + "/" + std::to_string(count), valueOf(1, bytes),
               {1}).status == Status::ok) {
      ++count;
    }
    CHECK(store->chargedBytes() > LIMIT - itemCharge(20, bytes));
    // The index of the smallest items stays, at most its charge; the arena adds its slack.
    CHECK(store->residentBytes() < LIMIT * 3 / 2);
    // All but every hundredth go, scattered: no class may keep its pages for the few that stay.
    for (uint64_t i = 0; i < count; ++i) {
      if (i % 100 != 0) remove(*store, std::to_string(bytes) + "/" + std::to_string(i));
    }
    CHECK(store->residentBytes() < LIMIT / 2);
  }
  CHECK(store->digest() == store->digestScan());
}

#if defined(__has_feature)
constexpr bool SANITIZED = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool SANITIZED = true;
#else
constexpr bool SANITIZED = false;
#endif

/** Resident bytes of this process, by the kernel's count. */
uint64_t processBytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long long total = 0, resident = 0;
  const int fields = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * 4096 : 0;
}

void kernelAgrees() {
  if (SANITIZED) {
    std::printf("skipped: the kernel counts the sanitizer's shadow memory too\n");
    return;
  }
  const uint64_t before = processBytes();
  const auto store = Store::create({256 * MIB, 0});
  for (uint64_t i = 0; i < 500'000; ++i) set(*store, valueOf(i, 8), valueOf(i, 32), {i});
  const uint64_t full = processBytes() - before;
  CHECK(full < store->residentBytes() + 4 * MIB && full + 4 * MIB > store->residentBytes());
  for (uint64_t i = 0; i < 500'000; ++i) remove(*store, valueOf(i, 8));
  const uint64_t emptied = processBytes() - before;
  CHECK(emptied < 16 * MIB);  // the index: 500,000 items were there
}

void releasedStaysReadable() {
  Region region;
  CHECK(region.reserve(16 * MIB));
  region.ensure(8 * MIB);
  std::memset(region.base(), 1, 8 * MIB);
  region.release(MIB);
  CHECK(region.heldBytes() < 2 * MIB);
  // What a reader with an old reference would do: no fault, and nothing but zeros.
  CHECK(region.base()[MIB - 1] == 1 && region.base()[7 * MIB] == 0);
  region.ensure(8 * MIB);
  CHECK(region.base()[8 * MIB - 1] == 0);
  region.base()[8 * MIB - 1] = 1;
}

}  // namespace

void memoryTests() {
  run("memory: stores with different histories and equal content refuse alike", refuseAlike);
  run("memory: what one size class frees, others use, and the rest goes back", movesBetweenClasses);
  run("memory: the kernel counts what residentBytes tells", kernelAgrees);
  run("memory: what was given back stays readable, as zeros", releasedStaysReadable);
}

}  // namespace mica::test

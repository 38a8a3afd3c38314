/**
 * The store by itself: nanoseconds of an operation, beside std::unordered_map, and bytes of an item.
 *
 * Keys of 8 bytes, values of 32, uniformly random; one thread but for the reader. Each figure is the best of three
 * rounds, except for what fills a table. Prints one object of JSON: name, and nanoseconds (or what the name says).
 *
 * Usage: store [--keys N]
 */
#include <malloc.h>

#include <atomic>
#include <thread>
#include <unordered_map>

#include "bench/native/measure.h"
#include "mica/store.h"

namespace bench {
namespace {

constexpr uint32_t OPERATIONS = 2'000'000;
constexpr uint32_t ROUNDS = 3;
constexpr uint32_t BATCH = 256;
constexpr uint64_t BYTES_PER_ITEM_MAX = 110;

using Key = uint64_t;
using Value = std::array<uint8_t, 32>;

/** What is read is added up and looked at in the end, so that no compiler leaves the reading out. */
uint64_t sink = 0;
bool isFirst = true;

void tell(const char* name, double value) {
  std::printf("%s\"%s\":%.2f", isFirst ? "{" : ",", name, value);
  isFirst = false;
}

template <typename Body>
void measure(const char* name, uint32_t rounds, uint64_t operations, Body body) {
  double best = 1e18;
  for (uint32_t round = 0; round < rounds; ++round) {
    const int64_t begin = nanosNow();
    body();
    best = std::min(best, static_cast<double>(nanosNow() - begin));
  }
  tell(name, best / static_cast<double>(operations));
}

const uint8_t* bytesOf(const Key& key) { return reinterpret_cast<const uint8_t*>(&key); }
uint64_t hashOf(const Key& key) { return mica::hashKey(bytesOf(key), sizeof key); }

/** Spread over 64 bits, so that neither table profits from the order of the keys. */
Key keyOf(uint64_t index) { return Random(index).next(); }

struct Keys {
  uint64_t count;
  std::vector<Key> hits;    // a random one of the keys that are there, for each operation
  std::vector<Key> misses;  // and of those that are not
};

Keys drawKeys(uint32_t count) {
  Keys keys{count, {}, {}};
  Random random(7);
  for (uint32_t i = 0; i < OPERATIONS; ++i) keys.hits.push_back(keyOf(random.below(count)));
  for (uint32_t i = 0; i < OPERATIONS; ++i) keys.misses.push_back(keyOf(uint64_t{count} + random.below(count)));
  return keys;
}

const Value VALUE = {1, 2, 3};

void setOne(mica::Store& store, const Key& key, uint64_t version) {
  sink += store.set(hashOf(key), bytesOf(key), sizeof key, VALUE.data(), sizeof(Value), {version}).version;
}

void setMany(mica::Store& store, const std::vector<Key>& keys) {
  std::array<mica::SetRequest, BATCH> requests;
  for (uint32_t begin = 0; begin + BATCH <= OPERATIONS; begin += BATCH) {
    for (uint32_t i = 0; i < BATCH; ++i) {
      const Key& key = keys[begin + i];
      requests[i] = {hashOf(key), bytesOf(key), VALUE.data(), sizeof(Key), sizeof(Value), {begin}, {}};
    }
    store.setBatch(requests.data(), BATCH);
    sink += requests[0].outcome.version;
  }
}

void getMany(const mica::Store& store, const std::vector<Key>& keys) {
  std::array<mica::GetRequest, BATCH> requests;
  for (uint32_t begin = 0; begin + BATCH <= OPERATIONS; begin += BATCH) {
    for (uint32_t i = 0; i < BATCH; ++i) {
      const Key& key = keys[begin + i];
      requests[i] = {hashOf(key), bytesOf(key), sizeof(Key), false, {}};
    }
    store.getBatch(requests.data(), BATCH);
    for (const mica::GetRequest& each : requests) sink += each.hit ? each.found.value[0] : 0;
  }
}

void getEach(const mica::Store& store, const std::vector<Key>& keys) {
  mica::Found found;
  for (const Key& key : keys) {
    if (store.find(hashOf(key), bytesOf(key), sizeof key, found)) sink += found.value[0];
  }
}

/** Copies out, as a thread that is not the owner must; how many it did until it was told to stop. */
uint64_t readUntil(const mica::Store& store, const std::vector<Key>& keys, const std::atomic<bool>& ends) {
  Value out;
  uint64_t count = 0;
  while (!ends.load(std::memory_order_relaxed)) {
    const Key& key = keys[count++ % keys.size()];
    store.read(hashOf(key), bytesOf(key), sizeof key, out.data(), sizeof out);
  }
  return count;
}

/** Another thread reads all the time while the owner sets. */
void besideReader(mica::Store& store, const Keys& keys) {
  std::atomic<bool> ends = false;
  uint64_t count = 0;
  const int64_t begin = nanosNow();
  std::thread reader([&] { count = readUntil(store, keys.hits, ends); });
  measure("store set, batch, beside a reader", ROUNDS, OPERATIONS, [&] { setMany(store, keys.hits); });
  ends = true;
  reader.join();
  const auto nanos = static_cast<double>(nanosNow() - begin);
  tell("store read by a thread beside the writer", nanos / static_cast<double>(count));
}

void measureStore(const Keys& keys) {
  const uint64_t limit = std::max<uint64_t>(keys.count * BYTES_PER_ITEM_MAX, 1 << 26);
  const auto store = mica::Store::create({limit, 0, false, true});
  if (store == nullptr) stop("The store has no memory.");
  measure("store insert, growing", 1, keys.count, [&] {
    for (uint64_t i = 0; i < keys.count; ++i) setOne(*store, keyOf(i), i);
  });
  if (store->items() != keys.count) stop("The store did not take all keys.");
  tell("store bytes per item", static_cast<double>(store->residentBytes()) / static_cast<double>(keys.count));
  measure("store set", ROUNDS, OPERATIONS, [&] {
    for (const Key& key : keys.hits) setOne(*store, key, 1);
  });
  measure("store set, batch", ROUNDS, OPERATIONS, [&] { setMany(*store, keys.hits); });
  measure("store get, hit", ROUNDS, OPERATIONS, [&] { getEach(*store, keys.hits); });
  measure("store get, miss", ROUNDS, OPERATIONS, [&] { getEach(*store, keys.misses); });
  measure("store get, batch, hit", ROUNDS, OPERATIONS, [&] { getMany(*store, keys.hits); });
  measure("store get, batch, miss", ROUNDS, OPERATIONS, [&] { getMany(*store, keys.misses); });
  besideReader(*store, keys);
}

struct KeyHash {
  size_t operator()(const Key& key) const { return hashOf(key); }
};

void measureMap(const Keys& keys) {
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  std::unordered_map<Key, Value, KeyHash> map;
  measure("map insert, growing", 1, keys.count, [&] {
    for (uint64_t i = 0; i < keys.count; ++i) map[keyOf(i)] = VALUE;
  });
  const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  tell("map bytes per item", static_cast<double>(after - before) / static_cast<double>(keys.count));
  measure("map set", ROUNDS, OPERATIONS, [&] {
    for (const Key& key : keys.hits) map[key] = VALUE;
  });
  measure("map get, hit", ROUNDS, OPERATIONS, [&] {
    for (const Key& key : keys.hits) sink += map.find(key)->second[0];
  });
  measure("map get, miss", ROUNDS, OPERATIONS, [&] {
    for (const Key& key : keys.misses) sink += map.count(key);
  });
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const uint32_t count = bench::Options(argc, argv).count("keys", 1'000'000);
  if (count == 0) bench::stop("--keys is at least 1.");
  const bench::Keys keys = bench::drawKeys(count);
  bench::measureStore(keys);
  bench::measureMap(keys);
  std::printf("}\n");
  return bench::sink == 42 ? 1 : 0;
}

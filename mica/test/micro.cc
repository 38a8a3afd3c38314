/**
 * Microbenchmark: nanoseconds per operation of the store, beside std::unordered_map.
 *
 * Usage: micro [items ...]; 1000000 and 10000000 when none are given. Keys of 8 bytes, values of
 * 32, uniformly random; one thread. Prints the best of three rounds, except for what fills a table.
 */
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <unordered_map>
#include <vector>

#include "../store.h"
#include "random.h"

namespace mica::test {
namespace {

constexpr uint32_t OPERATIONS = 4'000'000;
constexpr uint32_t ROUNDS = 3;
constexpr uint32_t BATCH = 256;

using Key = uint64_t;
using Value = std::array<uint8_t, 32>;

uint64_t sink = 0;

double nanosNow() {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                 std::chrono::steady_clock::now().time_since_epoch())
                                 .count());
}

template <typename Body>
void measure(const char* name, uint32_t rounds, uint64_t operations, Body body) {
  double best = 1e18;
  for (uint32_t round = 0; round < rounds; ++round) {
    const double begin = nanosNow();
    body();
    best = std::min(best, nanosNow() - begin);
  }
  std::printf("  %-44s %7.1f ns\n", name, best / static_cast<double>(operations));
}

const uint8_t* bytesOf(const Key& key) { return reinterpret_cast<const uint8_t*>(&key); }

/** Keys are spread over 64 bits, so that neither table profits from their order. */
Key keyOf(uint64_t index) { return Random{index}.next(); }

struct Bench {
  uint64_t items;
  std::vector<Key> hits;    // a random one of the keys that are there, for each operation
  std::vector<Key> misses;  // and of those that are not
  Value value = {};
};

Bench makeBench(uint64_t items) {
  Bench bench = {items, {}, {}, {}};
  Random random = {7};
  for (uint32_t i = 0; i < OPERATIONS; ++i) bench.hits.push_back(keyOf(random.below(items)));
  for (uint32_t i = 0; i < OPERATIONS; ++i) {
    bench.misses.push_back(keyOf(items + random.below(items)));
  }
  return bench;
}

Outcome setOne(Store& store, const Bench& bench, const Key& key, uint64_t version) {
  return store.set(hashKey(bytesOf(key), sizeof key), bytesOf(key), sizeof key,
                   bench.value.data(), sizeof(Value), {version});
}

void fill(Store& store, const Bench& bench) {
  measure("insert, growing from empty", 1, bench.items, [&] {
    for (uint64_t i = 0; i < bench.items; ++i) setOne(store, bench, keyOf(i), i);
  });
  std::printf("  %-44s %7.1f bytes\n", "resident per item",
              static_cast<double>(store.residentBytes()) / static_cast<double>(bench.items));
  Index const& index = store.index();
  std::printf("  %-44s %7.2f %%\n", "overflow buckets per bucket",
              100.0 * static_cast<double>(index.overflowCount()) /
                  static_cast<double>(index.bucketCount()));
}

void setRandom(Store& store, const Bench& bench) {
  measure("set, one by one", ROUNDS, OPERATIONS, [&] {
    uint64_t version = 1;
    for (const Key& key : bench.hits) sink += setOne(store, bench, key, ++version).version;
  });
  std::vector<SetRequest> requests(BATCH);
  measure("set, batches of 256 (hashing included)", ROUNDS, OPERATIONS, [&] {
    for (uint32_t begin = 0; begin < OPERATIONS; begin += BATCH) {
      const uint32_t count = std::min(BATCH, OPERATIONS - begin);
      for (uint32_t i = 0; i < count; ++i) {
        const uint8_t* const key = bytesOf(bench.hits[begin + i]);
        requests[i] = {hashKey(key, sizeof(Key)), key,       bench.value.data(), sizeof(Key),
                       sizeof(Value),             {begin}, {}};
      }
      store.setBatch(requests.data(), count);
      sink += requests[0].outcome.version;
    }
  });
}

void getRandom(const Store& store, const char* one, const char* batch,
               const std::vector<Key>& keys) {
  measure(one, ROUNDS, OPERATIONS, [&] {
    Found found;
    for (const Key& key : keys) {
      const uint64_t hash = hashKey(bytesOf(key), sizeof key);
      if (store.find(hash, bytesOf(key), sizeof key, found)) sink += found.value[0];
    }
  });
  std::vector<GetRequest> requests(BATCH);
  measure(batch, ROUNDS, OPERATIONS, [&] {
    for (uint32_t begin = 0; begin < OPERATIONS; begin += BATCH) {
      const uint32_t count = std::min(BATCH, OPERATIONS - begin);
      for (uint32_t i = 0; i < count; ++i) {
        const uint8_t* const key = bytesOf(keys[begin + i]);
        requests[i] = {hashKey(key, sizeof(Key)), key, sizeof(Key), false, {}};
      }
      store.getBatch(requests.data(), count);
      for (uint32_t i = 0; i < count; ++i) {
        if (requests[i].hit) sink += requests[i].found.value[0];
      }
    }
  });
}

void readAndRemove(Store& store, const Bench& bench) {
  measure("read (any thread's copy), hit", ROUNDS, OPERATIONS, [&] {
    Value out;
    for (const Key& key : bench.hits) {
      const uint64_t hash = hashKey(bytesOf(key), sizeof key);
      sink += store.read(hash, bytesOf(key), sizeof key, out.data(), sizeof out).version;
    }
  });
  measure("digest from scratch, per item", ROUNDS, bench.items,
          [&] { sink += store.digestScan(); });
  measure("remove and insert again, pairs", 1, OPERATIONS, [&] {
    for (const Key& key : bench.hits) {
      store.remove(hashKey(bytesOf(key), sizeof key), bytesOf(key), sizeof key);
      sink += setOne(store, bench, key, 1).version;
    }
  });
}

/** Time this thread ran, so that a neighbour's turn on the core is not taken for a pause. */
double threadNanosNow() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/** The longest single insert while a store grows from empty. */
void pauses(uint64_t items) {
  const auto store = Store::create({items * 100, 0});
  if (store == nullptr) return;
  const Bench bench = {items, {}, {}, {}};
  double worst = 0;
  uint64_t overMilli = 0;
  for (uint64_t i = 0; i < items; ++i) {
    const double begin = threadNanosNow();
    setOne(*store, bench, keyOf(i), i);
    const double took = threadNanosNow() - begin;
    worst = std::max(worst, took);
    if (took > 1e6) ++overMilli;
  }
  std::printf("  %-44s %7.1f us (%llu over 1 ms)\n", "longest single insert while growing",
              worst / 1000, static_cast<unsigned long long>(overMilli));
}

struct KeyHash {
  size_t operator()(Key key) const { return hashKey(bytesOf(key), sizeof key); }
};

void standardMap(const Bench& bench) {
  std::printf(" std::unordered_map<uint64_t, 32 bytes>\n");
  std::unordered_map<Key, Value, KeyHash> map;
  measure("insert, growing from empty", 1, bench.items, [&] {
    for (uint64_t i = 0; i < bench.items; ++i) map[keyOf(i)] = bench.value;
  });
  measure("set", ROUNDS, OPERATIONS, [&] {
    for (const Key& key : bench.hits) map[key] = bench.value;
  });
  measure("get, hit", ROUNDS, OPERATIONS, [&] {
    for (const Key& key : bench.hits) sink += map.find(key)->second[0];
  });
  measure("get, miss", ROUNDS, OPERATIONS, [&] {
    for (const Key& key : bench.misses) sink += map.count(key);
  });
}

void hashing() {
  std::printf("hash64\n");
  std::vector<uint8_t> input(1 << 20, 0x5a);
  for (const size_t bytes : {size_t{8}, size_t{64}, size_t{300}, size_t{1440}, input.size()}) {
    const uint64_t count = bytes > 100'000 ? 2'000 : 4'000'000;
    char name[64];
    std::snprintf(name, sizeof name, "%zu bytes, each after the last", bytes);
    double best = 1e18;
    for (uint32_t round = 0; round < ROUNDS; ++round) {
      const double begin = nanosNow();
      uint64_t seed = round;
      for (uint64_t i = 0; i < count; ++i) seed = hash64(input.data(), bytes, seed);
      sink += seed;
      best = std::min(best, nanosNow() - begin);
    }
    const double each = best / static_cast<double>(count);
    std::printf("  %-44s %7.1f ns %6.1f GB/s\n", name, each, static_cast<double>(bytes) / each);
  }
}

void benchAt(uint64_t items) {
  const Bench bench = makeBench(items);
  std::printf("%llu items, 8-byte keys, 32-byte values\n store\n",
              static_cast<unsigned long long>(items));
  {
    const auto store = Store::create({items * 100, 0});
    if (store == nullptr) {
      std::printf("  no memory\n");
      return;
    }
    fill(*store, bench);
    setRandom(*store, bench);
    getRandom(*store, "get, one by one, hit", "get, batches of 256, hit", bench.hits);
    getRandom(*store, "get, one by one, miss", "get, batches of 256, miss", bench.misses);
    readAndRemove(*store, bench);
  }
  pauses(items);
  standardMap(bench);
}

}  // namespace
}  // namespace mica::test

int main(int argc, char** argv) {
  using namespace mica::test;
  hashing();
  if (argc == 1) {
    benchAt(1'000'000);
    benchAt(10'000'000);
  }
  for (int i = 1; i < argc; ++i) benchAt(std::strtoull(argv[i], nullptr, 10));
  return sink == 42 ? 1 : 0;
}

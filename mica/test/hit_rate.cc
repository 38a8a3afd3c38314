/**
 * What eviction costs in hits: this store beside an exact LRU of as many items, on a Zipf trace.
 *
 * A cache-aside client: it gets a key, and on a miss sets it. The store is told of no read, of one in
 * eight, or of all, in batches of 64, as a front would. The trace is one seed's: all see the same.
 *
 * Usage: hit_rate [keys] [requests] [exponent]; 1000000, 10000000 and 0.99 when none are given.
 */
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <unordered_map>
#include <vector>

#include "../store.h"
#include "random.h"

namespace mica::test {
namespace {

constexpr uint32_t BATCH = 64;

struct Trace {
  std::vector<uint32_t> keys;
};

Trace traceOf(uint32_t keys, uint32_t requests, double exponent) {
  std::vector<double> sums(keys);
  double sum = 0;
  for (uint32_t i = 0; i < keys; ++i) sums[i] = sum += std::pow(i + 1, -exponent);
  Random random = {42};
  Trace trace;
  for (uint32_t i = 0; i < requests; ++i) {
    const double at = static_cast<double>(random.next() >> 11) * 0x1p-53 * sum;
    uint32_t low = 0, high = keys - 1;
    while (low < high) {
      const uint32_t middle = (low + high) / 2;
      if (sums[middle] < at) low = middle + 1;
      else high = middle;
    }
    trace.keys.push_back(low);
  }
  return trace;
}

/** The first half fills the cache; hits of the second half are counted. */
template <typename Get>
double hitRate(const Trace& trace, Get&& get) {
  uint64_t hits = 0;
  const size_t half = trace.keys.size() / 2;
  for (size_t i = 0; i < trace.keys.size(); ++i) hits += get(trace.keys[i]) && i >= half;
  return static_cast<double>(hits) / static_cast<double>(trace.keys.size() - half);
}

double listHitRate(const Trace& trace, uint64_t items, bool moves) {
  std::list<uint32_t> order;
  std::unordered_map<uint32_t, std::list<uint32_t>::iterator> where;
  return hitRate(trace, [&](uint32_t key) {
    const auto at = where.find(key);
    if (at != where.end()) {
      if (moves) order.splice(order.begin(), order, at->second);
      return true;
    }
    if (where.size() == items) {
      where.erase(order.back());
      order.pop_back();
    }
    order.push_front(key);
    where[key] = order.begin();
    return false;
  });
}

/** `oneIn` reads is told; 0: none. */
double storeHitRate(const Trace& trace, uint64_t items, uint64_t oneIn) {
  const auto store = Store::create({items * itemCharge(8, 32), 0, true});
  const uint8_t value[32] = {};
  std::vector<uint64_t> told;
  Random random = {7};
  uint64_t version = 0;
  return hitRate(trace, [&](uint32_t number) {
    const uint64_t key = number * 0x9e3779b97f4a7c15;
    const auto* const bytes = reinterpret_cast<const uint8_t*>(&key);
    const uint64_t hash = hashKey(bytes, sizeof key);
    Found found;
    if (!store->find(hash, bytes, sizeof key, found)) {
      store->set(hash, bytes, sizeof key, value, sizeof value, {++version});
      return false;
    }
    if (oneIn != 0 && random.oneIn(oneIn)) told.push_back(hash);
    if (told.size() == BATCH) {
      for (const uint64_t each : told) store->used(each);
      told.clear();
    }
    return true;
  });
}

}  // namespace
}  // namespace mica::test

int main(int argc, char** argv) {
  using namespace mica::test;
  const auto keys = static_cast<uint32_t>(argc > 1 ? std::atoi(argv[1]) : 1'000'000);
  const auto requests = static_cast<uint32_t>(argc > 2 ? std::atoi(argv[2]) : 10'000'000);
  const double exponent = argc > 3 ? std::atof(argv[3]) : 0.99;
  const Trace trace = traceOf(keys, requests, exponent);
  std::printf("%u keys, %u requests, Zipf %.2f: hits of the second half\n", keys, requests, exponent);
  std::printf("%8s %8s %8s %10s %10s %10s\n", "room", "LRU", "FIFO", "no reads", "1 in 8", "all reads");
  for (const double share : {0.01, 0.05, 0.1, 0.25}) {
    const auto items = static_cast<uint64_t>(keys * share);
    std::printf("%7.0f%% %8.4f %8.4f %10.4f %10.4f %10.4f\n", share * 100,
                listHitRate(trace, items, true), listHitRate(trace, items, false),
                storeHitRate(trace, items, 0), storeHitRate(trace, items, 8),
                storeHitRate(trace, items, 1));
    std::fflush(stdout);
  }
  return 0;
}

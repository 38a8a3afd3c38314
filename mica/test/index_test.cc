/** The index: growth in small steps, chains that stay short, tags that are not trusted; scans. */
#include <algorithm>
#include <unordered_map>
#include <vector>

#include "fixture.h"

namespace mica::test {
namespace {

uint64_t nextKey(uint64_t i) { return Random{i}.next(); }

const uint8_t* bytesOf(const uint64_t& key) { return reinterpret_cast<const uint8_t*>(&key); }

Outcome setNumber(Store& store, uint64_t i, uint64_t version) {
  const uint64_t key = nextKey(i);
  uint8_t value[32] = {};
  std::memcpy(value, &i, sizeof i);
  return store.set(hashKey(bytesOf(key), 8), bytesOf(key), 8, value, sizeof value, {version});
}

bool hasNumber(const Store& store, uint64_t i) {
  const uint64_t key = nextKey(i);
  Found found;
  return store.find(hashKey(bytesOf(key), 8), bytesOf(key), 8, found) &&
         std::memcmp(found.value, &i, sizeof i) == 0;
}

/** How many buckets a chain has that begins at this number; 1 when nothing overflows. */
uint32_t chainBuckets(const Index& index, uint64_t number) {
  uint32_t buckets = 1;
  const Bucket* bucket = &index.bucketOf(number);
  for (; bucket->next != 0; bucket = index.overflowAt(bucket->next)) ++buckets;
  return buckets;
}

void grows() {
  constexpr uint64_t ITEMS = 1'000'000;
  const auto store = Store::create({ITEMS * 100, 0});
  uint64_t bucketsBefore = store->index().bucketCount();
  for (uint64_t i = 0; i < ITEMS; ++i) {
    CHECK(setNumber(*store, i, i).status == Status::ok);
    const uint64_t buckets = store->index().bucketCount();
    CHECK(buckets <= bucketsBefore + 1);  // one insert splits one bucket at most
    bucketsBefore = buckets;
  }
  const Index& index = store->index();
  CHECK(index.bucketCount() * ITEMS_PER_BUCKET >= ITEMS);
  uint32_t longest = 0;
  for (uint64_t i = 0; i < index.bucketCount(); ++i) {
    longest = std::max(longest, chainBuckets(index, i));
  }
  CHECK(longest <= 4);
  CHECK(index.overflowCount() * 5 < index.bucketCount());
  CHECK(store->residentBytes() < ITEMS * 100 && store->residentBytes() > ITEMS * 64);
  bool all = true;
  for (uint64_t i = 0; i < ITEMS; ++i) all = all && hasNumber(*store, i);
  CHECK(all);
  CHECK(!hasNumber(*store, ITEMS));
}

void sizedAtFirst() {
  const auto store = Store::create({100 * MIB, 100'000});
  const uint64_t buckets = store->index().bucketCount();
  for (uint64_t i = 0; i < 100'000; ++i) setNumber(*store, i, i);
  CHECK(store->index().bucketCount() == buckets);
  setNumber(*store, 100'000, 1);
  CHECK(store->index().bucketCount() == buckets + 1);
}

void tagsAreNotTrusted() {
  // The same hash for all keys: one bucket's worth of equal tags, then a long chain of them.
  const auto store = Store::create({4 * MIB, 0});
  constexpr uint64_t HASHES[] = {0, UINT64_MAX, 0x0001000000000000};
  const auto setAt = [&](uint64_t hash, const std::string& key, const std::string& value) {
    return store->set(hash, test::bytesOf(key), sizeOf(key), test::bytesOf(value), sizeOf(value),
                      {1});
  };
  for (const uint64_t hash : HASHES) {
    // Fewer than make the index split, which would hash the keys anew.
    for (uint64_t i = 0; i < 20; ++i) {
      CHECK(setAt(hash, valueOf(hash + i, 9), valueOf(i, 20)).status == Status::ok);
    }
  }
  CHECK(store->items() == 60 && store->index().overflowCount() > 4);
  Found found;
  for (const uint64_t hash : HASHES) {
    for (uint64_t i = 0; i < 20; ++i) {
      const std::string key = valueOf(hash + i, 9), value = valueOf(i, 20);
      CHECK(store->find(hash, test::bytesOf(key), 9, found));
      CHECK(std::memcmp(found.value, value.data(), 20) == 0);
    }
    const std::string other = valueOf(hash + 20, 9);
    CHECK(!store->find(hash, test::bytesOf(other), 9, found));
  }
}

void emptiesAndFills() {
  const auto store = Store::create({100 * MIB, 0});
  for (uint64_t round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < 50'000; ++i) setNumber(*store, i, round);
    CHECK(store->digest() == store->digestScan());
    for (uint64_t i = 0; i < 50'000; ++i) {
      const uint64_t key = nextKey((i * 7919 + round) % 50'000);
      const Outcome outcome = store->remove(hashKey(bytesOf(key), 8), bytesOf(key), 8);
      CHECK(outcome.status == Status::ok);
    }
    CHECK(store->items() == 0 && store->digest() == 0 && store->chargedBytes() == 0);
    CHECK(store->index().overflowCount() == 0);
  }
}

/** Scans in steps with other writes between them; counts how often each number was seen. */
void scanBesideWrites() {
  constexpr uint64_t STABLE = 20'000, CHURN = 10'000;
  const auto store = Store::create({100 * MIB, 0});
  for (uint64_t i = 0; i < STABLE; ++i) setNumber(*store, i, 1);
  for (uint64_t i = STABLE; i < STABLE + CHURN; ++i) setNumber(*store, i, 2);
  std::unordered_map<uint64_t, uint32_t> seen;
  Random random = {3};
  Cursor cursor;
  Entry entry;
  while (store->next(cursor, entry)) {
    uint64_t number;
    std::memcpy(&number, entry.value, sizeof number);
    ++seen[number];
    const uint64_t victim = STABLE + random.below(CHURN);
    const uint64_t key = nextKey(victim);
    if (random.oneIn(2)) {
      store->remove(hashKey(bytesOf(key), 8), bytesOf(key), 8);
    } else {
      const std::string value = valueOf(victim, 32 + random.below(40));
      store->set(hashKey(bytesOf(key), 8), bytesOf(key), 8, test::bytesOf(value), sizeOf(value),
                 {3});
    }
  }
  CHECK(store->digest() == store->digestScan());
  for (uint64_t i = 0; i < STABLE; ++i) CHECK(seen[i] >= 1);
}

void scanSeesAllOnce() {
  const auto store = Store::create({100 * MIB, 0}), copy = Store::create({100 * MIB, 0});
  for (uint64_t i = 0; i < 5'000; ++i) {
    set(*store, valueOf(i, 1 + i % 250), valueOf(i, i), {i, 1, 2});
  }
  Cursor cursor;
  Entry entry;
  uint64_t entries = 0;
  while (store->next(cursor, entry)) {
    ++entries;
    copy->create(hashKey(entry.key, entry.keyBytes), entry.key, entry.keyBytes, entry.value,
                 entry.valueBytes, entry.attributes);
  }
  CHECK(entries == store->items() && copy->items() == entries);
  CHECK(copy->digest() == store->digest() && copy->chargedBytes() == store->chargedBytes());
  CHECK(!store->next(cursor, entry));
}

}  // namespace

void indexTests() {
  run("index: grows from empty to a million, a bucket at a time, and chains stay short", grows);
  run("index: a store sized for its items does not split before", sizedAtFirst);
  run("index: equal tags and equal hashes do not confuse keys", tagsAreNotTrusted);
  run("index: emptied, it has no overflow left and can be filled again", emptiesAndFills);
  run("scan: sees every item once, and what it tells makes an equal store", scanSeesAllOnce);
  run("scan: beside writes, every item that is not written is seen", scanBesideWrites);
}

}  // namespace mica::test

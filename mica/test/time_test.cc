/** What goes by itself: expiry, flushes, reclaiming, eviction; and that all stores lose the same. */
#include <vector>

#include "fixture.h"

namespace mica::test {
namespace {

constexpr uint64_t LIMIT = 2 * MIB;

std::unique_ptr<Store> storeOf(bool evict, uint64_t itemsExpected = 0) {
  return Store::create({LIMIT, itemsExpected, evict});
}

/** The same items and clockwork in a store with another past, and another index. */
std::unique_ptr<Store> copyOf(const Store& store, bool evict, uint64_t itemsExpected) {
  auto copy = storeOf(evict, itemsExpected);
  Cursor cursor;
  for (Entry entry; store.next(cursor, entry);) {
    CHECK(copy->restore(hashKey(entry.key, entry.keyBytes), entry));
  }
  copy->setClockwork(store.clockwork());
  return copy;
}

bool equal(const Store& a, const Store& b) {
  return a.digest() == b.digest() && a.items() == b.items() && a.clockwork() == b.clockwork() &&
         a.chargedBytes() == b.chargedBytes() && a.expiring() == b.expiring();
}

void itemsEndAtTheirSecond() {
  const auto store = storeOf(false);
  set(*store, "a", "1", {1, 0, 100});
  set(*store, "b", "2", {2, 0, 0});
  store->advance(99, 3);
  CHECK(holds(*store, "a", "1"));
  store->advance(100, 3);
  Found found;
  std::string out(8, 0);
  CHECK(!find(*store, "a", found) && read(*store, "a", out).status == Status::notFound);
  CHECK(holds(*store, "b", "2"));
  CHECK(is(remove(*store, "a"), Status::notFound, 0));
  CHECK(is(setIf(*store, 1, "a", "x", {3}), Status::notFound, 0));
  store->advance(50, 3);  // time does not go back
  CHECK(!find(*store, "a", found));
  CHECK(store->items() == 2);
  CHECK(is(create(*store, "a", "3", {3}), Status::ok, 3));
  CHECK(holds(*store, "a", "3") && store->items() == 2 && store->expiring() == 0);
}

void flushesAreAtOnceOrLater() {
  const auto store = storeOf(false);
  store->advance(10, 1);
  set(*store, "a", "1", {1});
  store->flush(2, 20);
  set(*store, "b", "2", {3});
  store->advance(19, 4);
  CHECK(holds(*store, "a", "1") && holds(*store, "b", "2") && store->livesByTime());
  store->advance(20, 4);
  set(*store, "c", "3", {4});
  CHECK(!holds(*store, "a", "1") && !holds(*store, "b", "2") && holds(*store, "c", "3"));
  store->flush(5, 30);
  store->flush(5, 0);  // the last one counts
  set(*store, "d", "4", {6});
  store->advance(40, 7);
  CHECK(!holds(*store, "c", "3") && holds(*store, "d", "4"));
  CHECK(store->items() == 4);
  for (uint32_t i = 0; i < 20; ++i) store->reclaim(64);
  CHECK(store->items() == 1 && store->losses().reclaimed == 3 && !store->livesByTime());
}

void reclaimingIsGradual() {
  const auto store = storeOf(false);
  uint64_t version = 0;
  while (version < 15'000) {
    ++version;
    set(*store, std::to_string(version), "value", {version, 0, version % 3 == 0 ? 0u : 50u});
  }
  store->advance(49, version);
  while (store->clockwork().sweepNext == 0) store->reclaim(1'000);
  CHECK(store->items() == 15'000);
  const uint64_t charged = store->chargedBytes();
  store->advance(60, version);
  uint64_t steps = 0;
  for (uint64_t before = 15'000; store->items() > 5'000 && steps < 1'000; ++steps) {
    store->reclaim(100);
    CHECK(before - store->items() < 300);
    before = store->items();
  }
  CHECK(steps > 100 && steps < 200);
  CHECK(store->items() == 5'000 && store->chargedBytes() * 3 == charged);
  CHECK(store->expiring() == 0 && store->digest() == store->digestScan());
}

void fullStoresUseWhatIsGone() {
  const auto store = storeOf(false);
  uint64_t version = 0;
  while (set(*store, std::to_string(version), valueOf(1, 100), {version + 1, 0, 5}).status ==
         Status::ok) {
    ++version;
  }
  store->advance(5, version);
  uint64_t stored = 0;
  for (uint64_t i = 0; i < 1'000; ++i) {
    stored += set(*store, "new" + std::to_string(i), valueOf(1, 100), {++version}).status == Status::ok;
  }
  CHECK(stored == 1'000 && store->chargedBytes() <= LIMIT);
}

void evictionMakesRoom() {
  const auto store = storeOf(true);
  for (uint64_t version = 1; version < 100'000; ++version) {
    const std::string key = std::to_string(version);
    CHECK(is(set(*store, key, valueOf(version, version % 200), {version}), Status::ok, version));
    CHECK(holds(*store, key, valueOf(version, version % 200)));
  }
  CHECK(store->chargedBytes() > LIMIT * 99 / 100 && store->chargedBytes() <= LIMIT);
  CHECK(store->losses().evicted > 80'000 && store->digest() == store->digestScan());
  CHECK(set(*store, "wide", valueOf(1, MIB), {100'000}).status == Status::ok);
  CHECK(holds(*store, "wide", valueOf(1, MIB)) && store->chargedBytes() <= LIMIT);
  const auto tiny = Store::create({1'000, 0, true});
  set(*tiny, "a", "1", {1});
  CHECK(is(set(*tiny, "b", valueOf(1, 2'000), {2}), Status::full, 0));
  CHECK(holds(*tiny, "a", "1"));
}

void usedItemsStay() {
  const auto store = storeOf(true);
  constexpr uint64_t HOT = 1'000;
  for (uint64_t i = 0; i < HOT; ++i) set(*store, std::to_string(i), valueOf(i, 32), {i + 1});
  for (uint64_t version = HOT + 1; version < 200'000; ++version) {
    set(*store, std::to_string(version), valueOf(version, 32), {version});
    store->used(hashOf(std::to_string(version % HOT)));
  }
  uint64_t kept = 0;
  for (uint64_t i = 0; i < HOT; ++i) kept += holds(*store, std::to_string(i), valueOf(i, 32));
  CHECK(kept == HOT);
}

void hashesOfOneBucketGoInOrder() {
  // Ranges tile all hashes, whatever the number of buckets.
  for (const uint64_t items : {0u, 5u, 70u, 1'000u, 3'001u}) {
    const auto store = storeOf(false);
    for (uint64_t i = 0; i < items; ++i) set(*store, std::to_string(i), "v", {i + 1});
    uint64_t at = 0, buckets = 0;
    do {
      const Range range = store->index().rangeAt(at);
      CHECK(range.begin == at && range.last >= at);
      CHECK(range.first == &store->index().bucketOf(reversed(range.begin)));
      CHECK(range.first == &store->index().bucketOf(reversed(range.last)));
      CHECK(store->index().rangeAt(range.last).first == range.first);
      at = range.last + 1;
      ++buckets;
    } while (at != 0);
    CHECK(buckets == store->index().bucketCount());
  }
}

void anything(Store& store, Random& random, uint64_t version, uint32_t& now) {
  const std::string key = std::to_string(random.below(60'000));
  now += random.oneIn(400);
  store.advance(now, version);
  store.reclaim(random.below(8));
  const auto expiry = random.oneIn(3) ? now + static_cast<uint32_t>(random.below(60)) : 0;
  const std::string value = valueOf(version, random.below(random.oneIn(200) ? 20'000 : 120));
  if (random.oneIn(9)) {
    remove(store, key);
  } else if (random.oneIn(3)) {
    store.retouch(hashOf(key), bytesOf(key), sizeOf(key), expiry, state::STALE);
  } else if (random.oneIn(4)) {
    store.used(hashOf(key));
  } else if (random.oneIn(30'000)) {
    store.flush(version, random.oneIn(2) ? 0 : now + 20);
  } else {
    set(store, key, value, {version, 1, expiry, random.oneIn(5) ? state::CAS : 0, version * 7});
  }
}

void storesWithOtherPastsLoseTheSame(bool evict) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const auto store = storeOf(evict);
    Random random = {seed};
    uint32_t now = 1;
    uint64_t version = 0;
    while (version < 60'000) anything(*store, random, ++version, now);
    const auto copy = copyOf(*store, evict, 100'000);
    CHECK(equal(*store, *copy));
    CHECK(store->index().bucketCount() < copy->index().bucketCount());
    const Losses before = store->losses();
    Random same = random;
    uint32_t sameNow = now;
    for (uint64_t until = version + 60'000; version < until;) {
      ++version;
      anything(*store, random, version, now);
      anything(*copy, same, version, sameNow);
      if (version % 1'000 == 0) CHECK(equal(*store, *copy));
    }
    CHECK(equal(*store, *copy) && store->digest() == store->digestScan());
    CHECK(store->losses().reclaimed > before.reclaimed + 1'000);
    CHECK(evict ? store->losses().evicted > 1'000 : store->losses().evicted == 0);
  }
}

void expiryAlike() { storesWithOtherPastsLoseTheSame(false); }
void evictionAlike() { storesWithOtherPastsLoseTheSame(true); }

/** Restores what it is shown: the first of a key counts. */
class FirstCopier final : public Keeper {
 public:
  explicit FirstCopier(Store& copy) : copy_(copy) {}
  void keep(const Entry& entry, bool stays) override {
    staying += stays;
    take(entry);
  }
  void take(const Entry& entry) { CHECK(copy_.restore(hashKey(entry.key, entry.keyBytes), entry)); }
  uint64_t staying = 0;

 private:
  Store& copy_;
};

void copiesBesideChangesAreWhole() {
  uint64_t staying = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const bool evict = seed % 2 == 0;
    const auto store = storeOf(evict), copy = storeOf(evict);
    Random random = {seed + 100};
    uint32_t now = 1;
    uint64_t version = 0;
    while (version < 40'000) anything(*store, random, ++version, now);
    const uint64_t digest = store->digest(), items = store->items(), at = version;
    Cursor cursor;
    FirstCopier copier(*copy);
    store->setKeeper(&copier, &cursor, at);
    for (Entry entry; store->next(cursor, entry);) {
      if (entry.attributes.version <= at) copier.take(entry);
      for (uint64_t i = random.below(4); i > 0; --i) anything(*store, random, ++version, now);
    }
    store->setKeeper(nullptr, nullptr, 0);
    CHECK(copy->digest() == digest && copy->items() == items);
    staying += copier.staying;
  }
  CHECK(staying > 100);
}

void chosenCasIsKept() {
  const auto store = storeOf(false);
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{8}, size_t{31}, size_t{5'000}}) {
    const std::string key = std::to_string(bytes), value = valueOf(7, bytes);
    set(*store, key, value, {5, 9, 0, state::CAS, ~uint64_t{0} - bytes});
    Inspected all;
    CHECK(store->inspect(hashOf(key), bytesOf(key), sizeOf(key), all) && holds(*store, key, value));
    CHECK(all.cas == ~uint64_t{0} - bytes && all.found.version == 5 && all.found.flags == 9);
    CHECK(store->retouch(hashOf(key), bytesOf(key), sizeOf(key), 77, state::STALE | state::SENT));
    CHECK(store->inspect(hashOf(key), bytesOf(key), sizeOf(key), all) && holds(*store, key, value));
    CHECK(all.cas == ~uint64_t{0} - bytes && all.found.expiry == 77);
    CHECK(all.state == (state::STALE | state::SENT | state::CAS));
    set(*store, key, value, {6});
    CHECK(store->inspect(hashOf(key), bytesOf(key), sizeOf(key), all) && all.cas == 6);
  }
  CHECK(store->digest() == store->digestScan() && store->expiring() == 0);
}

}  // namespace

void timeTests() {
  run("time: an item is there until its second, and for no operation after", itemsEndAtTheirSecond);
  run("time: a flush takes what is older than it, at once or when it is due", flushesAreAtOnceOrLater);
  run("time: what is gone is taken back a little at a time, and all of it", reclaimingIsGradual);
  run("time: a full store looks for what is gone before it refuses", fullStoresUseWhatIsGone);
  run("eviction: every write finds room, and no more goes than must", evictionMakesRoom);
  run("eviction: what is used stays", usedItemsStay);
  run("order: the ranges of the buckets tile all hashes", hashesOfOneBucketGoInOrder);
  run("time: a copy with another index loses the same items at the same time", expiryAlike);
  run("eviction: a copy with another index evicts the same items", evictionAlike);
  run("keeper: beside changes that keep the version what is shown first is right",
      copiesBesideChangesAreWhole);
  run("item: a cas that was chosen is kept beside the version", chosenCasIsKept);
}

}  // namespace mica::test

/** A copy of the store as it was, made while writes go on; and forgetting everything. */
#include "fixture.h"

namespace mica::test {
namespace {

/** Puts what it is shown into a store of its own. */
class Copier final : public Keeper {
 public:
  explicit Copier(Store& copy) : copy_(copy) {}

  void keep(const Entry& entry, bool) override {
    ++kept;
    take(entry);
  }

  void take(const Entry& entry) {
    const uint64_t hash = hashKey(entry.key, entry.keyBytes);
    Found found;
    if (copy_.find(hash, entry.key, entry.keyBytes, found)) ++repeated;
    copy_.set(hash, entry.key, entry.keyBytes, entry.value, entry.valueBytes, entry.attributes);
  }

  uint64_t kept = 0;
  uint64_t repeated = 0;

 private:
  Store& copy_;
};

constexpr uint64_t KEYS = 3'000;
constexpr uint64_t LIMIT = 8 * MIB;

void writeSomething(Store& store, Random& random, uint64_t version) {
  const std::string key = std::to_string(random.below(KEYS));
  if (random.oneIn(4)) {
    remove(store, key);
  } else {
    const uint64_t bytesBelow = random.oneIn(100) ? 20'000 : 100;
    set(store, key, valueOf(version, random.below(bytesBelow)), {version, 1, 2});
  }
}

/** Returns how often an item was shown twice. */
uint64_t copyBesideWrites(uint64_t seed, uint64_t writesPerItem) {
  Random random = {seed};
  const auto store = Store::create({LIMIT, 0}), copy = Store::create({LIMIT, 0});
  uint64_t version = 0;
  while (version < 20'000) writeSomething(*store, random, ++version);
  const uint64_t digest = store->digest(), items = store->items(), at = version;

  Cursor cursor;
  Copier copier(*copy);
  store->setKeeper(&copier, &cursor, at);
  for (Entry entry; store->next(cursor, entry);) {
    if (entry.attributes.version <= at) copier.take(entry);
    for (uint64_t i = random.below(2 * writesPerItem + 1); i > 0; --i) {
      writeSomething(*store, random, ++version);
    }
  }
  const uint64_t kept = copier.kept;
  for (uint64_t i = 0; i < 1'000; ++i) writeSomething(*store, random, ++version);
  CHECK(copier.kept == kept);  // the scan has seen everything
  store->setKeeper(nullptr, nullptr, 0);
  CHECK(copy->digest() == digest && copy->items() == items);
  CHECK(store->digest() != digest && store->digest() == store->digestScan());
  CHECK(writesPerItem == 0 || kept > items / 100);
  return copier.repeated;
}

void copiesAreWhole() {
  CHECK(copyBesideWrites(1, 0) == 0);
  for (uint64_t seed = 2; seed < 12; ++seed) {
    // What moved down below the scan after it was seen is seen again, and nothing else is.
    CHECK(copyBesideWrites(seed, seed % 4 + 1) < KEYS / 4);
  }
}

void fullTakesNothing() {
  struct Counting final : Keeper {
    uint64_t kept = 0;
    void keep(const Entry&, bool) override { ++kept; }
  } counting;
  const auto store = Store::create({itemCharge(1, 100), 0});
  set(*store, "a", valueOf(1, 100), {1});
  Cursor cursor;
  store->setKeeper(&counting, &cursor, 1);
  CHECK(is(set(*store, "a", valueOf(2, 400), {2}), Status::full, 1));
  CHECK(is(removeIf(*store, "a", 7), Status::versionMismatch, 1));
  CHECK(counting.kept == 0);
  CHECK(is(set(*store, "a", valueOf(2, 90), {3}), Status::ok, 3));
  CHECK(is(remove(*store, "a"), Status::ok, 0));
  CHECK(counting.kept == 1);  // its version 3 came after
}

void clearsToTheBeginning() {
  const auto store = Store::create({64 * MIB, 1'000}), fresh = Store::create({64 * MIB, 1'000});
  const uint64_t heldBytes = store->residentBytes();
  for (int round = 0; round < 3; ++round) {
    Random random = {7};
    uint64_t version = 0;
    while (version < 100'000) {
      ++version;
      set(*store, std::to_string(version), valueOf(version, random.below(200)), {version});
    }
    CHECK(store->residentBytes() > 10 * MIB);
    store->clear();
    CHECK(store->items() == 0 && store->digest() == 0 && store->chargedBytes() == 0);
    CHECK(store->residentBytes() == heldBytes);
    CHECK(!holds(*store, "1", valueOf(1, 1)));
  }
  for (const auto& each : {store.get(), fresh.get()}) {
    Random random = {9};
    for (uint64_t version = 1; version < 20'000; ++version) writeSomething(*each, random, version);
  }
  CHECK(store->digest() == fresh->digest() && store->items() == fresh->items());
  CHECK(store->digest() == store->digestScan());
}

}  // namespace

void keeperTests() {
  run("keeper: a copy made beside writes is the store as it was", copiesAreWhole);
  run("keeper: what a refused write leaves alone is not shown", fullTakesNothing);
  run("store: cleared, it is as it was created", clearsToTheBeginning);
}

}  // namespace mica::test

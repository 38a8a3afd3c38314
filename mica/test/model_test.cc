/** A million random operations on the store and on std::unordered_map, which must agree. */
#include <unordered_map>

#include "fixture.h"

namespace mica::test {
namespace {

constexpr uint64_t LIMIT_BYTES = 3 * MIB;  // small: `full` happens all the time
constexpr uint64_t KEYS = 20'000;
constexpr uint64_t CHECK_EVERY = 50'000;

struct Modelled {
  uint64_t valueNumber;
  uint32_t valueBytes;
  Attributes attributes;
};

struct World {
  std::unique_ptr<Store> store = Store::create({LIMIT_BYTES, 0});
  std::unordered_map<std::string, Modelled> model;
  uint64_t charged = 0;
  Random random;
  uint64_t seen[6] = {};  // outcomes by status
};

std::string keyOf(uint64_t number) {
  std::string key = std::to_string(number);
  // Some keys are long; the number at the front keeps them apart.
  if (number % 7 == 0) key.resize(1 + key.size() + number % 240, 'k');
  return key;
}

uint32_t randomBytes(Random& random) {
  if (random.oneIn(20'000)) return static_cast<uint32_t>(random.below(VALUE_BYTES_MAX + 1));
  if (random.oneIn(10)) return static_cast<uint32_t>(random.below(6'000));
  return static_cast<uint32_t>(random.below(300));
}

/** What the store should answer; when it is ok, the model is changed. */
Outcome writeModel(World& world, const std::string& key, const Modelled& written) {
  const auto old = world.model.find(key);
  const bool there = old != world.model.end();
  const uint64_t freed = there ? itemCharge(sizeOf(key), old->second.valueBytes) : 0;
  const uint64_t charged = world.charged - freed + itemCharge(sizeOf(key), written.valueBytes);
  if (charged > LIMIT_BYTES) {
    return {Status::full, there ? old->second.attributes.version : 0};
  }
  world.charged = charged;
  world.model[key] = written;
  return {Status::ok, written.attributes.version};
}

void removeModel(World& world, const std::string& key) {
  const auto old = world.model.find(key);
  world.charged -= itemCharge(sizeOf(key), old->second.valueBytes);
  world.model.erase(old);
}

Outcome write(World& world, uint64_t step, const std::string& key) {
  Random& random = world.random;
  const auto old = world.model.find(key);
  const bool there = old != world.model.end();
  const uint64_t version = there ? old->second.attributes.version : 0;
  const Modelled written = {step, randomBytes(random),
                            {step, static_cast<uint32_t>(random.next()),
                             static_cast<uint32_t>(random.next())}};
  const std::string value = valueOf(written.valueNumber, written.valueBytes);
  const uint64_t kind = random.below(4);
  Outcome expected, outcome;
  if (kind == 0) {
    expected = there ? Outcome{Status::exists, version} : writeModel(world, key, written);
    outcome = create(*world.store, key, value, written.attributes);
  } else if (kind == 1) {
    const uint64_t ifVersion = random.oneIn(3) ? version + 1 : version;
    expected = !there                 ? Outcome{Status::notFound, 0}
               : ifVersion != version ? Outcome{Status::versionMismatch, version}
                                      : writeModel(world, key, written);
    outcome = setIf(*world.store, ifVersion, key, value, written.attributes);
  } else {
    expected = writeModel(world, key, written);
    outcome = set(*world.store, key, value, written.attributes);
  }
  CHECK(is(outcome, expected.status, expected.version));
  return outcome;
}

Outcome erase(World& world, const std::string& key) {
  const auto old = world.model.find(key);
  const bool there = old != world.model.end();
  const uint64_t version = there ? old->second.attributes.version : 0;
  if (world.random.oneIn(3)) {
    const uint64_t ifVersion = world.random.oneIn(3) ? version + 1 : version;
    const bool matches = there && ifVersion == version;
    const Outcome outcome = removeIf(*world.store, key, ifVersion);
    CHECK(outcome.status == (!there      ? Status::notFound
                             : !matches  ? Status::versionMismatch
                                         : Status::ok));
    if (matches) removeModel(world, key);
    return outcome;
  }
  const Outcome outcome = remove(*world.store, key);
  CHECK(is(outcome, there ? Status::ok : Status::notFound, 0));
  if (there) removeModel(world, key);
  return outcome;
}

void compareOne(World& world, const std::string& key) {
  const auto wanted = world.model.find(key);
  Found found;
  std::string out(8'192, '?');
  const Copied copied = read(*world.store, key, out);
  CHECK(find(*world.store, key, found) == (wanted != world.model.end()));
  CHECK((copied.status == Status::notFound) == (wanted == world.model.end()));
  if (wanted == world.model.end()) return;
  const Modelled& modelled = wanted->second;
  const std::string value = valueOf(modelled.valueNumber, modelled.valueBytes);
  CHECK(holds(*world.store, key, value));
  CHECK(found.version == modelled.attributes.version);
  CHECK(found.flags == modelled.attributes.flags && found.expiry == modelled.attributes.expiry);
  CHECK(copied.valueBytes == modelled.valueBytes);
  if (copied.status == Status::ok) CHECK(out.compare(0, value.size(), value) == 0);
}

void compareAll(World& world) {
  const Store& store = *world.store;
  CHECK(store.items() == world.model.size());
  CHECK(store.chargedBytes() == world.charged && world.charged <= LIMIT_BYTES);
  CHECK(store.digest() == store.digestScan());
  uint64_t charged = 0;
  Cursor cursor;
  Entry entry;
  while (store.next(cursor, entry)) {
    charged += itemCharge(entry.keyBytes, entry.valueBytes);
    const std::string key(reinterpret_cast<const char*>(entry.key), entry.keyBytes);
    CHECK(world.model.count(key) == 1);
  }
  CHECK(charged == store.chargedBytes());
  for (const auto& [key, modelled] : world.model) compareOne(world, key);
}

void agree(uint64_t seed, uint64_t operations) {
  World world;
  world.random = {seed};
  for (uint64_t step = 1; step <= operations; ++step) {
    const std::string key = keyOf(world.random.below(KEYS));
    // Times of growing and times of shrinking, so that the store is nearly empty now and then.
    const uint64_t removesOfEight = step / 100'000 % 2 == 0 ? 1 : 5;
    const uint64_t kind = world.random.below(8);
    if (kind < removesOfEight) {
      ++world.seen[static_cast<uint32_t>(erase(world, key).status)];
    } else if (kind < 7) {
      ++world.seen[static_cast<uint32_t>(write(world, step, key).status)];
    } else {
      compareOne(world, key);
    }
    if (step % CHECK_EVERY == 0) compareAll(world);
    if (tally.failuresInTest != 0) {
      std::printf("    seed %llu, step %llu\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(step));
      return;
    }
  }
  // A run in which something never happened would prove nothing about it.
  for (const Status status : {Status::ok, Status::notFound, Status::exists,
                              Status::versionMismatch, Status::full}) {
    CHECK(world.seen[static_cast<uint32_t>(status)] > operations / 1'000);
  }
}

}  // namespace

void modelTests() {
  run("model: a million random operations agree with std::unordered_map",
      [] { agree(20250101, 1'000'000); });
}

}  // namespace mica::test

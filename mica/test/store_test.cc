/** The store, operation by operation, and the layout of its items. */
#include <type_traits>
#include <vector>

#include "fixture.h"

namespace mica::test {
namespace {

std::unique_ptr<Store> smallStore() { return Store::create({4 * MIB, 0}); }

void classesFit() {
  uint32_t before = 0;
  for (uint32_t sizeClass = 0; sizeClass < CLASSES; ++sizeClass) {
    const uint32_t bytes = classBytes(sizeClass);
    CHECK(bytes > before && bytes % 16 == 0);
    CHECK(classOf(bytes) == sizeClass);
    CHECK(classOf(before + 1) == sizeClass);
    CHECK(bytes - before <= 32 || (bytes - before) * 8 <= before);
    before = bytes;
  }
}

void itemsOf64AreLines() {
  const auto store = smallStore();
  for (uint64_t i = 0; i < 100; ++i) set(*store, valueOf(i, 8), valueOf(i, 32), {i});
  Found found;
  for (uint64_t i = 0; i < 100; ++i) {
    CHECK(find(*store, valueOf(i, 8), found));
    CHECK(reinterpret_cast<uintptr_t>(found.value) % 64 == 32);
  }
}

void setKeepsAll() {
  const auto store = smallStore();
  CHECK(is(set(*store, "key", "value", {7, 0x89abcdef, 0xfedcba98}), Status::ok, 7));
  Found found;
  CHECK(find(*store, "key", found));
  CHECK(holds(*store, "key", "value"));
  CHECK(found.version == 7 && found.flags == 0x89abcdef && found.expiry == 0xfedcba98);
  CHECK(is(set(*store, "key", "other", {8, 1, 2}), Status::ok, 8));
  CHECK(holds(*store, "key", "other") && store->items() == 1);
  CHECK(!find(*store, "ke", found) && !find(*store, "key ", found) && !find(*store, "", found));
}

void everySize() {
  const auto store = Store::create({64 * MIB, 0});
  std::vector<uint32_t> sizes;
  for (uint32_t bytes = 0; bytes <= 300; ++bytes) sizes.push_back(bytes);
  for (uint32_t bytes = 512; bytes <= VALUE_BYTES_MAX; bytes *= 2) {
    sizes.insert(sizes.end(), {bytes - 1, bytes, bytes + 1});
  }
  sizes.back() = VALUE_BYTES_MAX;
  for (uint32_t keyBytes = 1; keyBytes <= KEY_BYTES_MAX; ++keyBytes) {
    const std::string key = valueOf(keyBytes, keyBytes), value = valueOf(1, keyBytes % 50);
    CHECK(is(set(*store, key, value, {1}), Status::ok, 1) && holds(*store, key, value));
  }
  for (const uint32_t bytes : sizes) {
    const std::string value = valueOf(bytes, bytes);
    CHECK(is(set(*store, "sized", value, {bytes}), Status::ok, bytes));
    CHECK(holds(*store, "sized", value));
    std::string out(bytes, '?');
    CHECK(read(*store, "sized", out).status == Status::ok && out == value);
    CHECK(store->digest() == store->digestScan());
  }
}

void conditions() {
  const auto store = smallStore();
  CHECK(is(setIf(*store, 0, "a", "x", {1}), Status::notFound, 0));
  CHECK(is(remove(*store, "a"), Status::notFound, 0));
  CHECK(is(removeIf(*store, "a", 0), Status::notFound, 0));
  CHECK(is(create(*store, "a", "one", {1}), Status::ok, 1));
  const uint64_t digest = store->digest();
  CHECK(is(create(*store, "a", "two", {2}), Status::exists, 1));
  CHECK(is(setIf(*store, 2, "a", "two", {3}), Status::versionMismatch, 1));
  CHECK(is(removeIf(*store, "a", 2), Status::versionMismatch, 1));
  CHECK(holds(*store, "a", "one") && store->digest() == digest);
  CHECK(is(setIf(*store, 1, "a", "two", {4}), Status::ok, 4) && holds(*store, "a", "two"));
  CHECK(is(removeIf(*store, "a", 4), Status::ok, 0) && store->items() == 0);
  CHECK(store->digest() == 0 && store->chargedBytes() == 0);
}

void tooLarge() {
  const auto store = smallStore();
  const std::string longKey(KEY_BYTES_MAX + 1, 'k'), longValue(VALUE_BYTES_MAX + 1, 'v');
  set(*store, "a", "one", {1});
  CHECK(is(set(*store, longKey, "x", {2}), Status::tooLarge, 0));
  CHECK(is(create(*store, longKey, "x", {2}), Status::tooLarge, 0));
  CHECK(is(set(*store, "a", longValue, {2}), Status::tooLarge, 1));
  CHECK(is(setIf(*store, 1, "a", longValue, {2}), Status::tooLarge, 1));
  CHECK(holds(*store, "a", "one") && store->items() == 1);
}

void fullLeavesTheOld() {
  const uint64_t limit = 3 * itemCharge(1, 100);
  const auto store = Store::create({limit, 0});
  for (const char* key : {"a", "b", "c"}) {
    CHECK(set(*store, key, valueOf(1, 100), {1}).status == Status::ok);
  }
  const uint64_t digest = store->digest();
  CHECK(store->chargedBytes() == limit);
  CHECK(is(set(*store, "d", "", {2}), Status::full, 0));
  CHECK(is(set(*store, "a", valueOf(2, 200), {2}), Status::full, 1));
  CHECK(is(create(*store, "d", "", {2}), Status::full, 0));
  CHECK(is(setIf(*store, 1, "b", valueOf(2, 200), {2}), Status::full, 1));
  CHECK(store->digest() == digest && holds(*store, "a", valueOf(1, 100)));
  // The same size fits where it is, a smaller one makes room.
  CHECK(is(set(*store, "a", valueOf(3, 100), {3}), Status::ok, 3));
  CHECK(is(set(*store, "b", "", {4}), Status::ok, 4));
  CHECK(is(create(*store, "d", "", {5}), Status::ok, 5));
}

void digestTellsEverything() {
  const auto digestWith = [](const char* key, const char* value, Attributes attributes) {
    const auto store = smallStore();
    set(*store, key, value, attributes);
    return store->digest();
  };
  const uint64_t digest = digestWith("key", "value", {1, 2, 3});
  CHECK(digest == digestWith("key", "value", {1, 2, 3}));
  CHECK(digest != digestWith("kez", "value", {1, 2, 3}));
  CHECK(digest != digestWith("key", "valuf", {1, 2, 3}));
  CHECK(digest != digestWith("key", "value", {2, 2, 3}));
  CHECK(digest != digestWith("key", "value", {1, 3, 3}));
  CHECK(digest != digestWith("key", "value", {1, 2, 4}));
  CHECK(digestWith("a", std::string(1, '\0').c_str(), {1}) == digestWith("a", "", {1}));
  const auto store = smallStore();
  set(*store, "key", std::string("v\0", 2), {1});
  const uint64_t withZero = store->digest();
  set(*store, "key", "v", {1});
  CHECK(store->digest() != withZero);
}

void orderDoesNotCount() {
  const auto up = smallStore(), down = smallStore();
  for (uint64_t i = 0; i < 1000; ++i) set(*up, valueOf(i, 9), valueOf(i, i % 90), {i});
  for (uint64_t i = 1000; i-- > 0;) {
    set(*down, valueOf(i, 9), "before", {0});
    set(*down, valueOf(i, 9), valueOf(i, i % 90), {i});
  }
  CHECK(up->digest() == down->digest() && up->chargedBytes() == down->chargedBytes());
}

void readTellsSizes() {
  const auto store = smallStore();
  set(*store, "key", "twelve bytes", {5, 6, 7});
  std::string small(11, '?'), exact(12, '?');
  const Copied refused = read(*store, "key", small);
  CHECK(refused.status == Status::tooLarge && refused.valueBytes == 12 && refused.version == 5);
  CHECK(small == std::string(11, '?'));
  const Copied copied = read(*store, "key", exact);
  CHECK(copied.status == Status::ok && copied.valueBytes == 12 && exact == "twelve bytes");
  CHECK(copied.flags == 6 && copied.expiry == 7);
  CHECK(read(*store, "none", exact).status == Status::notFound);
}

void batchesRunInOrder() {
  const auto store = smallStore();
  std::vector<std::string> keys, values;
  for (uint64_t i = 0; i < 200; ++i) {
    keys.push_back(valueOf(i % 50, 8));  // each key four times: the last one stays
    values.push_back(valueOf(i, 32 + i));
  }
  std::vector<SetRequest> sets;
  std::vector<GetRequest> gets;
  for (uint64_t i = 0; i < 200; ++i) {
    const uint64_t hash = hashOf(keys[i]);
    sets.push_back({hash, bytesOf(keys[i]), bytesOf(values[i]), 8, sizeOf(values[i]), {i}, {}});
    gets.push_back({hash, bytesOf(keys[i]), 8, false, {}});
  }
  const std::string missing = "missing!";
  gets.push_back({hashOf(missing), bytesOf(missing), 8, true, {}});
  store->setBatch(sets.data(), 0);
  CHECK(store->items() == 0);
  store->setBatch(sets.data(), 200);
  store->getBatch(gets.data(), 201);
  for (uint64_t i = 0; i < 200; ++i) {
    CHECK(is(sets[i].outcome, Status::ok, i));
    CHECK(gets[i].hit && gets[i].found.version == 150 + i % 50);
    CHECK(holds(*store, keys[i], values[150 + i % 50]));
  }
  CHECK(!gets[200].hit);
}

void creationRefuses() {
  CHECK(Store::create({LIMIT_BYTES_MAX + 1, 0}) == nullptr);
  const auto nothing = Store::create({0, 1'000'000});
  CHECK(nothing != nullptr && is(set(*nothing, "a", "", {1}), Status::full, 0));
}

}  // namespace

void layoutTests() {
  static_assert(std::has_unique_object_representations_v<Bucket>, "no implicit padding");
  run("layout: size classes ascend, cover every size, and waste at most an eighth", classesFit);
  run("layout: items of 64 bytes lie on cache lines", itemsOf64AreLines);
}

void storeTests() {
  run("store: set keeps value, version, flags and expiry", setKeepsAll);
  run("store: keys of every size and values up to 1 MiB come back whole", everySize);
  run("store: conditions that fail change nothing", conditions);
  run("store: what is too large is refused", tooLarge);
  run("store: full leaves the old value, and room made is room", fullLeavesTheOld);
  run("store: the digest tells key, value, version, flags and expiry", digestTellsEverything);
  run("store: the digest and the charge do not depend on order", orderDoesNotCount);
  run("store: read copies, or tells the sizes when the value does not fit", readTellsSizes);
  run("store: batches run in order", batchesRunInOrder);
  run("store: creation refuses a limit beyond reason, and a limit of zero holds nothing",
      creationRefuses);
}

}  // namespace mica::test

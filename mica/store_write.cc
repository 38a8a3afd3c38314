/**
 * Writes: conditions first, then the limit, then the change.
 *
 * The digest loses an item's old part before the item changes and gains the new one after.
 */
#include <algorithm>

#include "store.h"

namespace mica {

namespace {

constexpr uint64_t DIGEST_SEED = 0xd1310ba698dfb5ac;

/** Items up to this size are hashed in one go. */
constexpr uint32_t DIGEST_WHOLE_BYTES = 1024;

/** Items looked at for some that are gone before a write is refused for want of room. */
constexpr uint64_t RECLAIM_WHEN_FULL = 256;

uint64_t standingDigest(const Item& item) { return hash64(&item, sizeof(Item), DIGEST_SEED); }

uint64_t chargeOf(const Item& item) {
  return classBytes(classOf(itemBytes(item))) + ITEM_CHARGE_BYTES;
}

uint32_t usedOnceMore(uint32_t state) {
  return (state & state::USES) == state::USES ? state : state + state::ONE_USE;
}

uint64_t versionOf(const Item* item) { return item == nullptr ? 0 : item->version; }

bool tooLarge(uint32_t keyBytes, uint32_t valueBytes) {
  require(keyBytes > 0, "Store: a key has at least one byte");
  return keyBytes > KEY_BYTES_MAX || valueBytes > VALUE_BYTES_MAX;
}

}  // namespace

/**
 * The owner reads its own words plainly: nobody else writes them. Of a large item the words that
 * `change` writes have a part of their own, so that a change need not hash a megabyte again.
 */
static inline uint64_t digestOf(const Item& item, uint32_t bytes) {
  if (__builtin_expect(bytes == 64, 1)) return hashLine(&item, DIGEST_SEED);
  if (bytes <= DIGEST_WHOLE_BYTES) return hash64(&item, bytes, DIGEST_SEED);
  return standingDigest(item) + hash64(item.payload, bytes - sizeof(Item), DIGEST_SEED);
}

uint64_t itemDigest(const Item& item) { return digestOf(item, itemBytes(item)); }

bool Store::fits(uint64_t addedBytes, uint64_t freedBytes) const {
  return chargedBytes_ - freedBytes + addedBytes <= limitBytes_;
}

/** Most writes: the same but for version and value. */
inline void Store::overwriteValue(const Place& place, const Record& record) {
  Item& item = *place.item;
  const uint32_t bytes = itemBytes(record.keyBytes, record.valueBytes, record.attributes.state);
  if (__builtin_expect(keeper_ != nullptr, 0)) askKeeper(item, classOf(bytes), false);
  const uint64_t before = digestOf(item, bytes);
  index_.beginChange(*place.first);
  storeRelaxed(item.version, record.attributes.version);
  itemWriteValue(item, record);
  index_.endChange(*place.first);
  digest_ += digestOf(item, bytes) - before;
}

Outcome Store::set(uint64_t hash, const uint8_t* key, uint32_t keyBytes, const uint8_t* value,
                   uint32_t valueBytes, Attributes attributes) {
  Place place = index_.locate(hash, key, keyBytes);
  Record record{key, keyBytes, valueBytes, value, attributes};
  if (place.item != nullptr && !evict_ && itemHasShape(*place.item, record)) {
    overwriteValue(place, record);
    return {Status::ok, attributes.version};
  }
  if (tooLarge(keyBytes, valueBytes)) return {Status::tooLarge, versionOf(presentOf(place))};
  return put(hash, place, record);
}

Outcome Store::create(uint64_t hash, const uint8_t* key, uint32_t keyBytes, const uint8_t* value,
                      uint32_t valueBytes, Attributes attributes) {
  Place place = index_.locate(hash, key, keyBytes);
  const Item* const there = presentOf(place);
  if (there != nullptr) return {Status::exists, there->version};
  if (tooLarge(keyBytes, valueBytes)) return {Status::tooLarge, 0};
  Record record{key, keyBytes, valueBytes, value, attributes};
  return put(hash, place, record);
}

Outcome Store::setIf(uint64_t ifVersion, uint64_t hash, const uint8_t* key, uint32_t keyBytes,
                     const uint8_t* value, uint32_t valueBytes, Attributes attributes) {
  Place place = index_.locate(hash, key, keyBytes);
  const Item* const there = presentOf(place);
  if (there == nullptr) return {Status::notFound, 0};
  if (there->version != ifVersion) return {Status::versionMismatch, there->version};
  if (tooLarge(keyBytes, valueBytes)) return {Status::tooLarge, there->version};
  Record record{key, keyBytes, valueBytes, value, attributes};
  return put(hash, place, record);
}

Outcome Store::remove(uint64_t hash, const uint8_t* key, uint32_t keyBytes) {
  const Place place = index_.locate(hash, key, keyBytes);
  if (presentOf(place) == nullptr) return {Status::notFound, 0};
  return take(place);
}

Outcome Store::removeIf(uint64_t hash, const uint8_t* key, uint32_t keyBytes, uint64_t ifVersion) {
  const Place place = index_.locate(hash, key, keyBytes);
  const Item* const there = presentOf(place);
  if (there == nullptr) return {Status::notFound, 0};
  if (there->version != ifVersion) return {Status::versionMismatch, there->version};
  return take(place);
}

bool Store::retouch(uint64_t hash, const uint8_t* key, uint32_t keyBytes, uint32_t expiry,
                    uint32_t state) {
  const Place place = index_.locate(hash, key, keyBytes);
  if (presentOf(place) == nullptr) return false;
  constexpr uint32_t own = state::CAS | state::USES;
  const uint32_t old = evict_ ? usedOnceMore(place.item->state()) : place.item->state();
  change(*place.first, *place.item, expiry, (state & ~own) | (old & own));
  return true;
}

bool Store::restore(uint64_t hash, const Entry& entry) {
  const Place place = index_.locate(hash, entry.key, entry.keyBytes);
  if (place.item != nullptr) return true;
  const Attributes& attributes = entry.attributes;
  const uint32_t sizeClass =
      classOf(itemBytes(entry.keyBytes, entry.valueBytes, attributes.state));
  if (!fits(classBytes(sizeClass) + ITEM_CHARGE_BYTES, 0)) return false;
  write(hash, place, {entry.key, entry.keyBytes, entry.valueBytes, entry.value, attributes},
        sizeClass);
  return true;
}

/** In place: nothing but the words that carry expiry and state. */
void Store::change(Bucket& first, Item& item, uint32_t expiry, uint32_t state) {
  if (item.expiry() == expiry && item.state() == state) return;
  const bool large = itemBytes(item) > DIGEST_WHOLE_BYTES;
  beforeLoss(item, classOf(itemBytes(item)), true);
  digest_ -= large ? standingDigest(item) : itemDigest(item);
  expiring_ += (expiry != 0) - (item.expiry() != 0);
  index_.beginChange(first);
  itemWriteStanding(item, expiry, state);
  index_.endChange(first);
  digest_ += large ? standingDigest(item) : itemDigest(item);
}

Outcome Store::put(uint64_t hash, Place& place, Record& record) {
  if (__builtin_expect(evict_, 0)) {
    const Item* const old = presentOf(place);
    record.attributes.state |= old == nullptr ? state::ONE_USE : usedOnceMore(old->state()) & state::USES;
  }
  const uint32_t bytes = itemBytes(record.keyBytes, record.valueBytes, record.attributes.state);
  const uint32_t sizeClass = classOf(bytes);
  if (place.item != nullptr && classOf(itemBytes(*place.item)) == sizeClass) {
    overwrite(place, record, sizeClass);
  } else {
    const uint64_t added = classBytes(sizeClass) + ITEM_CHARGE_BYTES;
    const uint64_t freed = place.item == nullptr ? 0 : chargeOf(*place.item);
    if (__builtin_expect(!fits(added, freed), 0) && !makeRoom(hash, place, record, sizeClass)) {
      return {Status::full, versionOf(presentOf(place))};
    }
    write(hash, place, record, sizeClass);
  }
  return {Status::ok, record.attributes.version};
}

/** False when the write is refused: then `place` is up to date all the same. */
bool Store::makeRoom(uint64_t hash, Place& place, const Record& record, uint32_t sizeClass) {
  const uint64_t added = classBytes(sizeClass) + ITEM_CHARGE_BYTES;
  if (added > limitBytes_) return false;
  const auto roomy = [&] {
    place = index_.locate(hash, record.key, record.keyBytes);
    return fits(added, place.item == nullptr ? 0 : chargeOf(*place.item));
  };
  if (!evict_) {
    if (mayHoldGone()) sweep(RECLAIM_WHEN_FULL);
    return roomy();
  }
  while (!roomy()) {
    if (!evictOne()) return false;
  }
  return true;
}

void Store::overwrite(const Place& place, const Record& record, uint32_t sizeClass) {
  Item& old = *place.item;
  beforeLoss(old, sizeClass);
  digest_ -= itemDigest(old);
  expiring_ += (record.attributes.expiry != 0) - (old.expiry() != 0);
  index_.beginChange(*place.first);
  itemWriteHeader(old, record);
  itemWriteValue(old, record);
  index_.endChange(*place.first);
  digest_ += itemDigest(old);
}

/** A new item, or one in place of another of another class. */
void Store::write(uint64_t hash, const Place& place, const Record& record, uint32_t sizeClass) {
  Item* const old = place.item;
  chargedBytes_ += classBytes(sizeClass) + ITEM_CHARGE_BYTES;
  expiring_ += record.attributes.expiry != 0;
  // Nobody can see the new item yet, but an old reader may still look at what was there.
  Item* const item = arena_.append(sizeClass);
  itemWriteHeader(*item, record);
  itemWriteKey(*item, record);
  itemWriteValue(*item, record);
  digest_ += itemDigest(*item);
  if (old == nullptr) {
    index_.insert(place, hash, item);
    clockwork_.most = std::max(clockwork_.most, index_.items());
    return;
  }
  const uint32_t oldClass = classOf(itemBytes(*old));
  beforeLoss(*old, oldClass);
  chargedBytes_ -= chargeOf(*old);
  expiring_ -= old->expiry() != 0;
  digest_ -= itemDigest(*old);
  index_.replace(place, hash, item);
  vacate(old, oldClass);
}

Outcome Store::take(const Place& place) {
  Item* const item = place.item;
  const uint32_t sizeClass = classOf(itemBytes(*item));
  beforeLoss(*item, sizeClass);
  digest_ -= itemDigest(*item);
  expiring_ -= item->expiry() != 0;
  chargedBytes_ -= classBytes(sizeClass) + ITEM_CHARGE_BYTES;
  index_.erase(place);
  vacate(item, sizeClass);
  return {Status::ok, 0};
}

/** Nothing refers to `hole` any more: the class's last item moves there. */
void Store::vacate(Item* hole, uint32_t sizeClass) {
  const Item* const last = arena_.last(sizeClass);
  if (last != hole) {
    // A reader who still looks at the hole followed a slot that has changed since: it will know.
    copyWords(reinterpret_cast<uint64_t*>(hole), reinterpret_cast<const uint64_t*>(last),
              wordsOf(itemBytes(*last)));
    index_.repoint(itemKeyHash(*hole), last, hole);
  }
  arena_.dropLast(sizeClass);
}

}  // namespace mica

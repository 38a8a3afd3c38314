/**
 * Writes: conditions first, then the limit, then the change.
 *
 * The digest loses an item's old part before the item changes and gains the new one after.
 */
#include "store.h"

namespace mica {

namespace {

constexpr uint64_t DIGEST_SEED = 0xd1310ba698dfb5ac;

uint64_t versionOf(const Item* item) { return item == nullptr ? 0 : item->version; }

bool tooLarge(uint32_t keyBytes, uint32_t valueBytes) {
  require(keyBytes > 0, "Store: a key has at least one byte");
  return keyBytes > KEY_BYTES_MAX || valueBytes > VALUE_BYTES_MAX;
}

}  // namespace

/** The owner reads its own words plainly: nobody else writes them. */
uint64_t itemDigest(const Item& item) { return hash64(&item, itemBytes(item), DIGEST_SEED); }

bool Store::fits(uint64_t addedBytes, uint64_t freedBytes) const {
  return chargedBytes_ - freedBytes + addedBytes <= limitBytes_;
}

Outcome Store::set(uint64_t hash, const uint8_t* key, uint32_t keyBytes, const uint8_t* value,
                   uint32_t valueBytes, Attributes attributes) {
  const Place place = index_.locate(hash, key, keyBytes);
  if (tooLarge(keyBytes, valueBytes)) return {Status::tooLarge, versionOf(place.item)};
  return put(hash, place, {key, keyBytes, valueBytes, value, attributes});
}

Outcome Store::create(uint64_t hash, const uint8_t* key, uint32_t keyBytes, const uint8_t* value,
                      uint32_t valueBytes, Attributes attributes) {
  const Place place = index_.locate(hash, key, keyBytes);
  if (place.item != nullptr) return {Status::exists, place.item->version};
  if (tooLarge(keyBytes, valueBytes)) return {Status::tooLarge, 0};
  return put(hash, place, {key, keyBytes, valueBytes, value, attributes});
}

Outcome Store::setIf(uint64_t ifVersion, uint64_t hash, const uint8_t* key, uint32_t keyBytes,
                     const uint8_t* value, uint32_t valueBytes, Attributes attributes) {
  const Place place = index_.locate(hash, key, keyBytes);
  if (place.item == nullptr) return {Status::notFound, 0};
  const uint64_t version = place.item->version;
  if (version != ifVersion) return {Status::versionMismatch, version};
  if (tooLarge(keyBytes, valueBytes)) return {Status::tooLarge, version};
  return put(hash, place, {key, keyBytes, valueBytes, value, attributes});
}

Outcome Store::remove(uint64_t hash, const uint8_t* key, uint32_t keyBytes) {
  const Place place = index_.locate(hash, key, keyBytes);
  if (place.item == nullptr) return {Status::notFound, 0};
  return take(place);
}

Outcome Store::removeIf(uint64_t hash, const uint8_t* key, uint32_t keyBytes, uint64_t ifVersion) {
  const Place place = index_.locate(hash, key, keyBytes);
  if (place.item == nullptr) return {Status::notFound, 0};
  const uint64_t version = place.item->version;
  if (version != ifVersion) return {Status::versionMismatch, version};
  return take(place);
}

Outcome Store::put(uint64_t hash, const Place& place, const Record& record) {
  const uint32_t sizeClass = classOf(itemBytes(record.keyBytes, record.valueBytes));
  const uint64_t added = classBytes(sizeClass) + ITEM_CHARGE_BYTES;
  Item* const old = place.item;
  const uint32_t oldClass = old == nullptr ? 0 : classOf(itemBytes(*old));

  if (old != nullptr && oldClass == sizeClass) {
    beforeLoss(*old, oldClass);
    digest_ -= itemDigest(*old);
    beginWrite(*place.first);
    itemWriteHeader(*old, record);
    itemWriteValue(*old, record);
    endWrite(*place.first);
    digest_ += itemDigest(*old);
    return {Status::ok, record.attributes.version};
  }

  const uint64_t freed = old == nullptr ? 0 : classBytes(oldClass) + ITEM_CHARGE_BYTES;
  if (!fits(added, freed)) return {Status::full, versionOf(old)};
  if (old != nullptr) beforeLoss(*old, oldClass);
  chargedBytes_ += added - freed;
  // Nobody can see the new item yet, but an old reader may still look at what was there.
  Item* const item = arena_.append(sizeClass);
  itemWriteHeader(*item, record);
  itemWriteKey(*item, record);
  itemWriteValue(*item, record);
  digest_ += itemDigest(*item);
  if (old == nullptr) {
    index_.insert(place, hash, item);
  } else {
    digest_ -= itemDigest(*old);
    index_.replace(place, hash, item);
    vacate(old, oldClass);
  }
  return {Status::ok, record.attributes.version};
}

Outcome Store::take(const Place& place) {
  Item* const item = place.item;
  const uint32_t sizeClass = classOf(itemBytes(*item));
  beforeLoss(*item, sizeClass);
  digest_ -= itemDigest(*item);
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

/** The store's life, accounting, digest and scan. */
#include "store.h"

#include <algorithm>
#include <new>

namespace mica {

std::unique_ptr<Store> Store::create(const Settings& settings) {
  if (settings.limitBytes > LIMIT_BYTES_MAX) return nullptr;
  std::unique_ptr<Store> store(new (std::nothrow) Store());
  if (store == nullptr) return nullptr;
  const uint64_t itemsMax = settings.limitBytes / (CLASS_BYTES_MIN + ITEM_CHARGE_BYTES);
  if (!store->index_.reserve(itemsMax, settings.itemsExpected, settings.shared)) return nullptr;
  if (!store->arena_.reserve(settings.limitBytes)) return nullptr;
  store->limitBytes_ = settings.limitBytes;
  store->evict_ = settings.evict;
  return store;
}

uint64_t Store::residentBytes() const {
  return sizeof(Store) + index_.heldBytes() + arena_.heldBytes();
}

namespace {

Entry entryOf(const Item& item) {
  return {item.key(), item.value(), item.keyBytes(), item.valueBytes(),
          {item.version, item.flags(), item.expiry(), item.state(), itemCas(item)}};
}

}  // namespace

void Store::clear() {
  require(keeper_ == nullptr, "Store::clear: nobody keeps what goes");
  index_.clear();
  arena_.clear();
  chargedBytes_ = digest_ = expiring_ = 0;
  clockwork_ = {};
}

void Store::setKeeper(Keeper* keeper, const Cursor* cursor, uint64_t version) {
  require(keeper == nullptr || keeper_ == nullptr, "Store::setKeeper: there is one keeper at a time");
  keeper_ = keeper;
  keeperCursor_ = cursor;
  keeperVersion_ = version;
}

void Store::askKeeper(const Item& item, uint32_t sizeClass, bool stays) {
  if (item.version > keeperVersion_ || sizeClass < keeperCursor_->sizeClass) return;
  // Items move down only: one that stands where the scan has been was seen there or above.
  const bool here = sizeClass == keeperCursor_->sizeClass;
  if (here && arena_.indexOf(sizeClass, &item) >= keeperCursor_->below) return;
  keeper_->keep(entryOf(item), stays);
}

bool Store::next(Cursor& cursor, Entry& entry) const {
  for (; cursor.sizeClass < CLASSES; ++cursor.sizeClass, cursor.below = UINT64_MAX) {
    cursor.below = std::min(cursor.below, arena_.count(cursor.sizeClass));
    if (cursor.below == 0) continue;
    --cursor.below;
    entry = entryOf(*arena_.at(cursor.sizeClass, cursor.below));
    return true;
  }
  return false;
}

uint64_t Store::digestScan() const {
  uint64_t digest = 0;
  for (uint32_t sizeClass = 0; sizeClass < CLASSES; ++sizeClass) {
    const uint64_t count = arena_.count(sizeClass);
    for (uint64_t i = 0; i < count; ++i) digest += itemDigest(*arena_.at(sizeClass, i));
  }
  return digest;
}

}  // namespace mica

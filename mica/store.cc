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
  if (!store->index_.reserve(itemsMax, settings.itemsExpected)) return nullptr;
  if (!store->arena_.reserve(settings.limitBytes)) return nullptr;
  store->limitBytes_ = settings.limitBytes;
  return store;
}

uint64_t Store::residentBytes() const {
  return sizeof(Store) + index_.heldBytes() + arena_.heldBytes();
}

bool Store::next(Cursor& cursor, Entry& entry) const {
  for (; cursor.sizeClass < CLASSES; ++cursor.sizeClass, cursor.below = UINT64_MAX) {
    cursor.below = std::min(cursor.below, arena_.count(cursor.sizeClass));
    if (cursor.below == 0) continue;
    --cursor.below;
    const Item& item = *arena_.at(cursor.sizeClass, cursor.below);
    entry.key = item.key();
    entry.value = item.value();
    entry.keyBytes = item.keyBytes();
    entry.valueBytes = item.valueBytes();
    entry.attributes = {item.version, item.flags(), item.expiry()};
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

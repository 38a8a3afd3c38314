/**
 * Reads: plain ones for the owner thread, optimistic copies for all others.
 *
 * An optimistic read loads whatever is there, then asks the chain's sequence number whether it was
 * one state. It dereferences only addresses that once were items, whose memory stays readable, and
 * it believes a length only after asking.
 */
#include <thread>

#include "store.h"

namespace mica {

namespace {

constexpr uint32_t SPINS_BEFORE_YIELD = 64;

/** A write is going on: spin briefly, then let the writer have the core. */
void pauseReader(uint32_t attempt) {
  if (attempt >= SPINS_BEFORE_YIELD) {
    std::this_thread::yield();
    return;
  }
#if defined(__aarch64__)
  asm volatile("yield");
#elif defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/** False when the item changed under the copy. */
bool copyItem(const Reading& reading, const Item& item, uint8_t* out, uint32_t outBytes,
              Copied& copied) {
  copied.version = loadRelaxed(item.version);
  copied.valueBytes = item.valueBytes();
  copied.flags = item.flags();
  copied.expiry = item.expiry();
  const uint64_t* const value = item.valueWords();
  if (!reading.valid()) return false;
  copied.status = copied.valueBytes <= outBytes ? Status::ok : Status::tooLarge;
  if (copied.status == Status::tooLarge) return true;
  copyOut(out, value, copied.valueBytes);
  return reading.valid();
}

}  // namespace

bool Store::find(uint64_t hash, const uint8_t* key, uint32_t keyBytes, Found& found) const {
  const Item* const item = index_.locate(hash, key, keyBytes).item;
  if (item == nullptr || gone(*item)) return false;
  found = {item->value(), item->valueBytes(), item->flags(), item->expiry(), item->version};
  return true;
}

bool Store::inspect(uint64_t hash, const uint8_t* key, uint32_t keyBytes,
                    Inspected& inspected) const {
  const Item* const item = index_.locate(hash, key, keyBytes).item;
  if (item == nullptr || gone(*item)) return false;
  inspected = {{item->value(), item->valueBytes(), item->flags(), item->expiry(), item->version},
               item->state(),
               itemCas(*item)};
  return true;
}

Copied Store::read(uint64_t hash, const uint8_t* key, uint32_t keyBytes, uint8_t* out,
                   uint32_t outBytes) const {
  const uint64_t tag = tagOf(hash);
  const auto attemptRead = [&](Copied& copied) {
    Reading reading;
    if (!index_.beginRead(hash, reading)) return false;
    for (const Bucket* bucket = reading.first;;) {
      for (uint32_t matches = matchesOf(*bucket, tag); matches != 0; matches &= matches - 1) {
        const uint64_t slot = loadRelaxed(bucket->slots[std::countr_zero(matches)]);
        if (slot == 0) return false;
        const Item& item = *itemOf(slot);
        if (!itemHasKey(item, key, keyBytes)) continue;
        // A writer may be changing it: whether it is gone counts only if the chain stood still.
        if (gone(item)) return reading.valid();
        return copyItem(reading, item, out, outBytes, copied);
      }
      const uint32_t next = loadRelaxed(bucket->next);
      // Asked at every step: an old chain may lead anywhere, even in circles.
      if (!reading.valid()) return false;
      if (next == 0) return true;
      bucket = index_.overflowAt(next);
    }
  };
  for (uint32_t attempt = 0;; ++attempt) {
    Copied copied = {Status::notFound, 0, 0, 0, 0};
    if (attemptRead(copied)) return copied;
    pauseReader(attempt);
  }
}

}  // namespace mica

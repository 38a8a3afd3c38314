/** Changing the index: insert, erase, repoint, and the splitting of one bucket at a time. */
#include "index.h"

#include <algorithm>

namespace mica {

bool Index::reserve(uint64_t itemsMax, uint64_t itemsExpected, bool shared) {
  const uint64_t expected = std::min(itemsMax, itemsExpected);
  const uint64_t count = std::max(expected / ITEMS_PER_BUCKET, BUCKETS_MIN);
  const uint64_t countMax = std::max(itemsMax / ITEMS_PER_BUCKET + 2, count);
  // Twice the buckets that any content needs: a split takes new ones before it gives back old ones.
  const uint64_t overflowMax = itemsMax / SLOTS * 2 + BUCKETS_MIN;
  if (overflowMax > UINT32_MAX) return false;
  if (!buckets_.reserve(countMax * sizeof(Bucket))) return false;
  if (!overflow_.reserve(overflowMax * sizeof(Bucket))) return false;
  bucketsFirst_ = count;
  shared_ = shared;
  start();
  return true;
}

void Index::start() {
  buckets_.ensure(bucketsFirst_ * sizeof(Bucket));
  bucketCount_ = bucketsFirst_;
  mask_ = std::bit_floor(bucketsFirst_) * 2 - 1;
  items_ = overflowUsed_ = 0;
  overflowNew_ = 1;
  overflowFree_ = 0;
}

void Index::clear() {
  buckets_.clear();
  overflow_.clear();
  start();
}

void Index::insert(const Place& place, uint64_t hash, Item* item) {
  Tail tail = {place.bucket, slotsUsed(*place.bucket)};
  beginChange(*place.first);
  appendSlot(tail, slotOf(hash, item));
  endChange(*place.first);
  ++items_;
  if (items_ > bucketCount_ * ITEMS_PER_BUCKET) {
    split();
  } else if (items_ % ITEMS_PER_BUCKET == ITEMS_PER_BUCKET - 1) {
    prefetchSplit();
  }
}

void Index::erase(const Place& place) {
  Bucket* previous = place.previous;
  Bucket* last = place.bucket;
  for (; last->next != 0; last = overflowAt(last->next)) previous = last;
  const uint32_t slot = slotsUsed(*last) - 1;
  // The chain's last slot fills the hole; when it is the hole, it is cleared just the same.
  beginChange(*place.first);
  storeRelaxed(place.bucket->slots[place.slot], last->slots[slot]);
  storeRelaxed(last->slots[slot], uint64_t{0});
  if (slot == 0 && previous != nullptr) {
    storeRelaxed(previous->next, uint32_t{0});
    overflowGive(*last);
  }
  endChange(*place.first);
  --items_;
}

void Index::replace(const Place& place, uint64_t hash, Item* item) {
  beginChange(*place.first);
  storeRelaxed(place.bucket->slots[place.slot], slotOf(hash, item));
  endChange(*place.first);
}

void Index::repoint(uint64_t hash, const Item* from, Item* to) {
  Bucket& first = bucketOf(hash);
  const uint64_t wanted = slotOf(hash, from);
  Bucket* bucket = &first;
  for (;;) {
    uint32_t slot = 0;
    while (slot < SLOTS && bucket->slots[slot] != wanted) ++slot;
    if (slot < SLOTS) return replace({&first, nullptr, bucket, slot, to}, hash, to);
    require(bucket->next != 0, "Index::repoint: every item hangs on its chain");
    bucket = overflowAt(bucket->next);
  }
}

uint32_t Index::overflowTake() {
  ++overflowUsed_;
  if (overflowFree_ != 0) {
    const uint32_t number = overflowFree_;
    Bucket* const bucket = overflowAt(number);
    overflowFree_ = bucket->next;
    storeRelaxed(bucket->next, uint32_t{0});
    return number;
  }
  const uint32_t number = overflowNew_++;
  overflow_.ensure(uint64_t{overflowNew_} * sizeof(Bucket));
  return number;
}

/** The bucket's slots are all empty. A reader may still be in it; its chain's number tells it. */
void Index::overflowGive(Bucket& bucket) {
  --overflowUsed_;
  storeRelaxed(bucket.next, overflowFree_);
  overflowFree_ = static_cast<uint32_t>(&bucket - overflowAt(0));
}

/** Writes the slot at the chain's tail, which moves on, into a further bucket when it must. */
void Index::appendSlot(Tail& tail, uint64_t slot) {
  if (tail.slot == SLOTS) {
    if (tail.bucket->next == 0) storeRelaxed(tail.bucket->next, overflowTake());
    tail = {overflowAt(tail.bucket->next), 0};
  }
  storeRelaxed(tail.bucket->slots[tail.slot], slot);
  ++tail.slot;
}

/** The next split will read the keys of a bucket's items: begin fetching them one insert before. */
void Index::prefetchSplit() const {
  const Bucket& source = buckets()[bucketCount_ - std::bit_floor(bucketCount_)];
  for (const uint64_t slot : source.slots) {
    if (slot != 0) prefetch(itemOf(slot));
  }
}

/** Divides the items of the round's next bucket between it and a new last bucket. */
void Index::split() {
  const uint64_t half = std::bit_floor(bucketCount_);
  buckets_.ensure((bucketCount_ + 1) * sizeof(Bucket));
  Bucket* const source = buckets() + (bucketCount_ - half);
  Tail kept = {source, 0};
  Tail moved = {buckets() + bucketCount_, 0};
  beginChange(*source);
  for (Bucket* bucket = source;; bucket = overflowAt(bucket->next)) {
    for (uint32_t i = 0; i < SLOTS && bucket->slots[i] != 0; ++i) {
      const uint64_t slot = bucket->slots[i];
      // What is kept is written at or before the slot just read.
      appendSlot((itemKeyHash(*itemOf(slot)) & half) != 0 ? moved : kept, slot);
    }
    if (bucket->next == 0) break;
  }
  Bucket* surplus = kept.bucket->next == 0 ? nullptr : overflowAt(kept.bucket->next);
  storeRelaxed(kept.bucket->next, uint32_t{0});
  for (uint32_t i = kept.slot; i < SLOTS; ++i) storeRelaxed(kept.bucket->slots[i], uint64_t{0});
  while (surplus != nullptr) {
    Bucket* const next = surplus->next == 0 ? nullptr : overflowAt(surplus->next);
    for (uint64_t& slot : surplus->slots) storeRelaxed(slot, uint64_t{0});
    overflowGive(*surplus);
    surplus = next;
  }
  // The new bucket is complete before anyone can look for it.
  storeRelease(bucketCount_, bucketCount_ + 1);
  mask_ = std::bit_floor(bucketCount_) * 2 - 1;
  endChange(*source);
  prefetch(buckets() + (bucketCount_ - std::bit_floor(bucketCount_)));
}

}  // namespace mica

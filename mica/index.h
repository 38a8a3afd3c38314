/**
 * Which item has which key: linear hashing over buckets of one cache line.
 *
 * A bucket has seven slots of (16-bit tag, 48-bit item address), a sequence number and a link to an
 * overflow bucket; nothing is ever evicted. A chain is dense: its empty slots are all at its end.
 *
 * Growth: there are at most ITEMS_PER_BUCKET items to a bucket on average, because one bucket, in
 * turn, is split for every so many inserts. No insert does more than split one chain. The index
 * does not shrink: it holds what the largest number of items so far needed, less than
 * INDEX_BYTES_PER_ITEM for each.
 *
 * Concurrency: one writer; any number of readers through `Reading`. The sequence number of a
 * chain's first bucket is odd while the chain, or an item that hangs on it, is being changed. A
 * reader would be fooled if exactly a multiple of 2^31 changes hit one chain during one read.
 */
#pragma once

#include <atomic>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "assert.h"
#include "item.h"
#include "region.h"

namespace mica {

inline constexpr uint32_t SLOTS = 7;
inline constexpr uint64_t ITEMS_PER_BUCKET = 4;
inline constexpr uint64_t BUCKETS_MIN = 16;

/** The worst case: every fourth item a bucket, and an overflow bucket for every seven items. */
inline constexpr uint32_t INDEX_BYTES_PER_ITEM = 26;
static_assert(64 / ITEMS_PER_BUCKET + (64 + SLOTS - 1) / SLOTS <= INDEX_BYTES_PER_ITEM);

struct alignas(64) Bucket {
  uint64_t slots[SLOTS];
  uint32_t sequence;  // meaningful in a chain's first bucket only
  uint32_t next;      // overflow bucket's number, 0 = none
};
static_assert(sizeof(Bucket) == 64);

inline constexpr uint32_t ADDRESS_BITS = 48;

/** Never zero, so that an empty slot matches no tag. */
inline uint64_t tagOf(uint64_t hash) {
  const uint64_t tag = hash >> ADDRESS_BITS;
  return tag + (tag == 0);
}

inline uint64_t slotOf(uint64_t hash, const Item* item) {
  return tagOf(hash) << ADDRESS_BITS | reinterpret_cast<uintptr_t>(item);
}

inline Item* itemOf(uint64_t slot) {
  return reinterpret_cast<Item*>(slot & ((uint64_t{1} << ADDRESS_BITS) - 1));
}

/** One bit for each slot with this tag. A tag is a hint: the caller compares keys. */
inline uint32_t matchesOf(const Bucket& bucket, uint64_t tag) {
  // Written out, because compilers do not unroll a loop of atomic loads; and without a branch.
  const auto match = [&](uint32_t i) {
    return static_cast<uint32_t>(loadRelaxed(bucket.slots[i]) >> ADDRESS_BITS == tag) << i;
  };
  static_assert(SLOTS == 7);
  return match(0) | match(1) | match(2) | match(3) | match(4) | match(5) | match(6);
}

/** The same, for the owner thread: nobody writes beside it, so it may load several slots at once. */
inline uint32_t ownMatchesOf(const Bucket& bucket, uint64_t tag) {
#if defined(__SSE2__)
  const auto pair = [&](uint32_t i) {
    return _mm_castsi128_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(&bucket) + i));
  };
  // The upper halves of four slots, and of these the upper halves, which are the tags.
  const auto four = [&](uint32_t i) {
    const __m128i upper = _mm_castps_si128(_mm_shuffle_ps(pair(i), pair(i + 1), _MM_SHUFFLE(3, 1, 3, 1)));
    const __m128i equal = _mm_cmpeq_epi32(_mm_srli_epi32(upper, 16), _mm_set1_epi32(static_cast<int>(tag)));
    return static_cast<uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(equal)));
  };
  return (four(0) | four(2) << 4) & ((1u << SLOTS) - 1);
#else
  return matchesOf(bucket, tag);
#endif
}

/** The slots used, which are the first ones. */
inline uint32_t slotsUsed(const Bucket& bucket) {
  uint32_t used = 0;
  while (used < SLOTS && loadRelaxed(bucket.slots[used]) != 0) ++used;
  return used;
}

/** Where the writer found a key, or where its chain ends. Valid until the index next changes. */
struct Place {
  Bucket* first;     // carries the chain's sequence number
  Bucket* previous;  // before `bucket` in the chain, or null
  Bucket* bucket;    // holds the item, or is the chain's last
  uint32_t slot;     // the item's
  Item* item;        // null when the key is not there
};

/** A reader's view of one chain, to be thrown away when it is no longer `valid`. */
struct Reading {
  const Bucket* first;
  uint32_t sequence;

  /** Whether everything loaded so far belongs to one state of the chain. */
  bool valid() const {
    std::atomic_thread_fence(std::memory_order_acquire);
    return loadRelaxed(first->sequence) == sequence;
  }
};

/** What a bucket holds of the hashes, bits reversed: those from begin to last. */
struct Range {
  Bucket* first;
  uint64_t begin;
  uint64_t last;
};

/** The order in which a linear hash table is gone through whatever its number of buckets. */
inline uint64_t reversed(uint64_t hash) {
  hash = (hash >> 1 & 0x5555555555555555) | (hash & 0x5555555555555555) << 1;
  hash = (hash >> 2 & 0x3333333333333333) | (hash & 0x3333333333333333) << 2;
  hash = (hash >> 4 & 0x0f0f0f0f0f0f0f0f) | (hash & 0x0f0f0f0f0f0f0f0f) << 4;
  return __builtin_bswap64(hash);
}

class Index {
 public:
  /** False when the addresses for `itemsMax` items cannot be had. */
  [[nodiscard]] bool reserve(uint64_t itemsMax, uint64_t itemsExpected, bool shared);

  // The owner thread.

  Bucket& bucketOf(uint64_t hash) const {
    return buckets()[bucketNumber(hash, bucketCount_, mask_)];
  }
  /** The bucket of the hash that is `at` when reversed. */
  Range rangeAt(uint64_t at) const;
  /** The first item of the chain that `wanted` says yes to; `item` is null when there is none. */
  template <typename Wanted>
  Place search(Bucket& first, Wanted&& wanted) const;
  Place locate(uint64_t hash, const uint8_t* key, uint32_t keyBytes) const;
  void prefetchItem(uint64_t hash) const;

  /** Adds an item whose key `locate` did not find. */
  void insert(const Place& place, uint64_t hash, Item* item);
  void erase(const Place& place);
  /** The item at this place now has another address. */
  void replace(const Place& place, uint64_t hash, Item* item);
  /** The item at `from` was copied to `to`. */
  void repoint(uint64_t hash, const Item* from, Item* to);
  /** Forgets everything, and is as small as after `reserve`. No other thread may be reading. */
  void clear();

  /** From here until endChange, readers of the chain try again. Without them its line stays clean. */
  void beginChange(Bucket& first) const {
    if (!shared_) return;
    storeRelaxed(first.sequence, first.sequence + 1);
    // A reader that sees any later store of ours sees, after its own fence, the odd number too.
    std::atomic_thread_fence(std::memory_order_release);
  }
  void endChange(Bucket& first) const {
    if (shared_) storeRelease(first.sequence, first.sequence + 1);
  }

  uint64_t items() const { return items_; }
  uint64_t bucketCount() const { return bucketCount_; }
  uint64_t overflowCount() const { return overflowUsed_; }
  uint64_t heldBytes() const { return buckets_.heldBytes() + overflow_.heldBytes(); }

  // Any thread.

  /** False when the chain is being changed: try again. */
  [[nodiscard]] bool beginRead(uint64_t hash, Reading& reading) const;

  Bucket* overflowAt(uint32_t number) const {
    return reinterpret_cast<Bucket*>(overflow_.base()) + number;
  }

 private:
  struct Tail {
    Bucket* bucket;
    uint32_t slot;
  };

  Bucket* buckets() const { return reinterpret_cast<Bucket*>(buckets_.base()); }

  /** `mask` covers one bit more than the buckets that were there when this round began. */
  static uint64_t bucketNumber(uint64_t hash, uint64_t count, uint64_t mask) {
    const uint64_t number = hash & mask;
    return number < count ? number : number & (mask >> 1);
  }

  uint32_t overflowTake();
  void overflowGive(Bucket& bucket);
  void appendSlot(Tail& tail, uint64_t slot);
  void prefetchSplit() const;
  void split();
  void start();

  // Read by all threads: alone on its cache line, and changed once in four inserts.
  alignas(64) Region buckets_;
  Region overflow_;
  alignas(64) uint64_t bucketCount_ = 0;

  alignas(64) uint64_t mask_ = 0;
  bool shared_ = false;        // other threads read
  uint64_t bucketsFirst_ = 0;  // to begin with
  uint64_t items_ = 0;
  uint64_t overflowUsed_ = 0;
  uint32_t overflowNew_ = 1;   // numbers from here on were never used; 0 means none
  uint32_t overflowFree_ = 0;  // a list through `next`
};

inline Place Index::locate(uint64_t hash, const uint8_t* key, uint32_t keyBytes) const {
  Bucket* const first = &bucketOf(hash);
  const uint64_t tag = tagOf(hash);
  Bucket* previous = nullptr;
  for (Bucket* bucket = first;; bucket = overflowAt(bucket->next)) {
    for (uint32_t matches = ownMatchesOf(*bucket, tag); matches != 0; matches &= matches - 1) {
      const auto slot = static_cast<uint32_t>(std::countr_zero(matches));
      Item* const item = itemOf(bucket->slots[slot]);
      if (itemHasKey(*item, key, keyBytes)) return {first, previous, bucket, slot, item};
    }
    if (bucket->next == 0) return {first, previous, bucket, SLOTS, nullptr};
    previous = bucket;
  }
}

inline Range Index::rangeAt(uint64_t at) const {
  const uint64_t half = mask_ >> 1;
  const uint64_t low = reversed(at) & half;
  const bool divided = low + half + 1 < bucketCount_;
  const uint64_t number = divided ? reversed(at) & mask_ : low;
  const uint32_t bits = static_cast<uint32_t>(std::bit_width(divided ? mask_ : half));
  const uint64_t begin = reversed(number);
  return {buckets() + number, begin, begin + ((uint64_t{1} << (64 - bits)) - 1)};
}

template <typename Wanted>
inline Place Index::search(Bucket& first, Wanted&& wanted) const {
  Bucket* previous = nullptr;
  for (Bucket* bucket = &first;; bucket = overflowAt(bucket->next)) {
    for (uint32_t slot = 0; slot < SLOTS && bucket->slots[slot] != 0; ++slot) {
      Item* const item = itemOf(bucket->slots[slot]);
      if (wanted(*item)) return {&first, previous, bucket, slot, item};
    }
    if (bucket->next == 0) return {&first, previous, bucket, SLOTS, nullptr};
    previous = bucket;
  }
}

inline void Index::prefetchItem(uint64_t hash) const {
  const Bucket& bucket = bucketOf(hash);
  const uint32_t matches = ownMatchesOf(bucket, tagOf(hash));
  if (matches != 0) {
    prefetch(itemOf(bucket.slots[std::countr_zero(matches)]));
  } else if (bucket.next != 0) {
    prefetch(overflowAt(bucket.next));
  }
}

inline bool Index::beginRead(uint64_t hash, Reading& reading) const {
  const auto number = [&] {
    const uint64_t count = loadAcquire(bucketCount_);
    return bucketNumber(hash, count, std::bit_floor(count) * 2 - 1);
  };
  const uint64_t before = number();
  reading.first = buckets() + before;
  reading.sequence = loadAcquire(reading.first->sequence);
  // A split publishes the new count before it ends its write: whoever sees that end sees the count.
  return reading.sequence % 2 == 0 && number() == before;
}

}  // namespace mica

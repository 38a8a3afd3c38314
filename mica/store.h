/**
 * The map of the table: a lossless key-value store in memory, one writer beside many readers.
 *
 *   hash ----> bucket (index.h)               items of one size class (arena.h): dense,
 *              +---------------------------+  the last one moves into a removed one's place
 *              | 7 x (tag 16, address 48)  |  +------+------+------+------+
 *              | sequence, next            |->| item | item | item | ...  |
 *              +---------------------------+  +------+------+------+------+
 *                 | when full                 item (item.h): version, sizes, flags, expiry, key,
 *                 +--> overflow bucket        value
 *
 * The owner thread may call everything; other threads may call `read` only.
 *
 * Refusal is decided by the content and the limit alone: an item is charged its size class and
 * INDEX_BYTES_PER_ITEM, whatever happened before it came, so replicas that apply one log refuse
 * alike. Resident memory may exceed `limitBytes` by the slack in region.h for each size class, and
 * by the index of a larger number of items in the past. When the system itself has no memory, the
 * process ends: refusing that write alone would make the replicas differ.
 *
 * Files: store.cc (life, accounting, digest), store_write.cc, store_read.cc, store_batch.cc.
 */
#pragma once

#include <memory>

#include "arena.h"
#include "hash.h"
#include "index.h"
#include "item.h"

namespace mica {

/** What an item is charged beyond its size class. */
inline constexpr uint32_t ITEM_CHARGE_BYTES = INDEX_BYTES_PER_ITEM;

/** What an item with such a key and value counts against the limit. */
inline constexpr uint64_t itemCharge(uint32_t keyBytes, uint32_t valueBytes) {
  return classBytes(classOf(itemBytes(keyBytes, valueBytes))) + ITEM_CHARGE_BYTES;
}

/** Addresses are reserved for the limit in every size class; a process has 128 TiB of them. */
inline constexpr uint64_t LIMIT_BYTES_MAX = uint64_t{1} << 39;

enum class Status : uint8_t { ok = 0, notFound, exists, versionMismatch, full, tooLarge };

struct Settings {
  uint64_t limitBytes;
  uint64_t itemsExpected = 1024;  // buckets to begin with; the index grows by itself
};

/** `version` is of the item now there, 0 when there is none. */
struct Outcome {
  Status status;
  uint64_t version;
};

/** For the owner thread; points into the store until its next write. */
struct Found {
  const uint8_t* value;
  uint32_t valueBytes;
  uint32_t flags;
  uint32_t expiry;
  uint64_t version;
};

/** `ok`, `notFound`, or `tooLarge` when the value does not fit: then only the sizes are told. */
struct Copied {
  Status status;
  uint32_t valueBytes;
  uint32_t flags;
  uint32_t expiry;
  uint64_t version;
};

/** An item seen by a scan; points into the store until its next write. */
struct Entry {
  const uint8_t* key;
  const uint8_t* value;
  uint32_t keyBytes;
  uint32_t valueBytes;
  Attributes attributes;
};

/** Where a scan is. A new one is at the beginning. */
struct Cursor {
  uint32_t sizeClass = 0;
  uint64_t below = UINT64_MAX;  // the items of the class under this place are still to come
};

/**
 * Someone who copies the store as it was at one version, beside the writes that go on: it scans, and
 * is shown what a write would take from it.
 */
class Keeper {
 public:
  /** An item of a version up to the one kept, not yet seen by the scan, is about to change or go. */
  virtual void keep(const Entry& entry) = 0;

 protected:
  ~Keeper() = default;
};

struct SetRequest {
  uint64_t hash;
  const uint8_t* key;
  const uint8_t* value;
  uint32_t keyBytes;
  uint32_t valueBytes;
  Attributes attributes;
  Outcome outcome;  // out
};

struct GetRequest {
  uint64_t hash;
  const uint8_t* key;
  uint32_t keyBytes;
  bool hit;     // out
  Found found;  // out, when hit
};

class Store {
 public:
  /** Null when the limit is over LIMIT_BYTES_MAX or the addresses cannot be had. */
  static std::unique_ptr<Store> create(const Settings& settings);

  // Writes. The hash is hashKey(key, keyBytes); key and value must not point into the store.
  // What is refused changes nothing. A key has at least one byte; more than KEY_BYTES_MAX, or a
  // value of more than VALUE_BYTES_MAX, is tooLarge.

  Outcome set(uint64_t hash, const uint8_t* key, uint32_t keyBytes, const uint8_t* value,
              uint32_t valueBytes, Attributes attributes);
  /** `exists` when the key is there. */
  Outcome create(uint64_t hash, const uint8_t* key, uint32_t keyBytes, const uint8_t* value,
                 uint32_t valueBytes, Attributes attributes);
  /** `notFound` when the key is not there, `versionMismatch` when another version is. */
  Outcome setIf(uint64_t ifVersion, uint64_t hash, const uint8_t* key, uint32_t keyBytes,
                const uint8_t* value, uint32_t valueBytes, Attributes attributes);
  Outcome remove(uint64_t hash, const uint8_t* key, uint32_t keyBytes);
  Outcome removeIf(uint64_t hash, const uint8_t* key, uint32_t keyBytes, uint64_t ifVersion);

  // Reads.

  bool find(uint64_t hash, const uint8_t* key, uint32_t keyBytes, Found& found) const;
  /** Any thread. What is in `out` counts only when the status is ok. */
  Copied read(uint64_t hash, const uint8_t* key, uint32_t keyBytes, uint8_t* out,
              uint32_t outBytes) const;

  // Batches hide memory's latency: over a window of requests, prefetch all buckets, then all items,
  // then execute in order. setBatch and getBatch do the three passes themselves.

  void prefetchBucket(uint64_t hash) const { __builtin_prefetch(&index_.bucketOf(hash)); }
  void prefetchItem(uint64_t hash) const { index_.prefetchItem(hash); }
  void setBatch(SetRequest* requests, uint32_t count);
  void getBatch(GetRequest* requests, uint32_t count) const;

  // The whole. Replicas with the same digest and the same items have the same content.

  /** Sum over all items of a hash of key, value, version, flags and expiry; kept up to date. */
  uint64_t digest() const { return digest_; }
  /** The same, computed from the items: a check that takes time. */
  uint64_t digestScan() const;
  uint64_t items() const { return index_.items(); }
  uint64_t chargedBytes() const { return chargedBytes_; }
  uint64_t limitBytes() const { return limitBytes_; }
  uint64_t residentBytes() const;
  /** Removes everything; a keeper is not asked. No other thread may be reading. */
  void clear();
  const Index& index() const { return index_; }

  /**
   * The next item of a scan; false at the end. Writes may happen between calls: every item that is
   * not written during the scan is seen once at least, because a scan goes down each class while
   * items move down only. Items written meanwhile are seen in their old or new state or not at all.
   */
  bool next(Cursor& cursor, Entry& entry) const;
  /**
   * From now on `keeper`, who scans with `cursor`, is asked before a write takes an item of at most
   * `version` that the scan has still to see. One keeper at a time; null ends it.
   */
  void setKeeper(Keeper* keeper, const Cursor* cursor, uint64_t version);

 private:
  Store() = default;

  Outcome put(uint64_t hash, const Place& place, const Record& record);
  bool fits(uint64_t addedBytes, uint64_t freedBytes) const;
  Outcome take(const Place& place);
  void vacate(Item* hole, uint32_t sizeClass);
  void beforeLoss(const Item& item, uint32_t sizeClass) {
    if (__builtin_expect(keeper_ != nullptr, 0)) askKeeper(item, sizeClass);
  }
  void askKeeper(const Item& item, uint32_t sizeClass);

  Index index_;
  Arena arena_;
  alignas(64) uint64_t limitBytes_ = 0;
  uint64_t chargedBytes_ = 0;
  uint64_t digest_ = 0;
  Keeper* keeper_ = nullptr;
  const Cursor* keeperCursor_ = nullptr;
  uint64_t keeperVersion_ = 0;
};

/** An item's part of the digest. */
uint64_t itemDigest(const Item& item);

}  // namespace mica

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
 * The owner thread may call everything; other threads may call `read` only, and only of a store that
 * was made to be `shared`.
 *
 * Refusal is decided by the content and the limit alone: an item is charged its size class and
 * INDEX_BYTES_PER_ITEM, whatever happened before it came, so replicas that apply one log refuse
 * alike. Resident memory may exceed `limitBytes` by the slack in region.h for each size class, and
 * by the index of a larger number of items in the past. When the system itself has no memory, the
 * process ends: refusing that write alone would make the replicas differ.
 *
 * Time is a number that the owner brings (`advance`). An item whose expiry has come, or that is older
 * than the last flush, is gone: no operation finds it. Its memory is taken back later, a few items
 * at a time (`reclaim`), and counts until then. With `evict`, memory is also taken from items that
 * are there. All of that goes through the items by their hash, bits reversed: the order of a linear
 * hash table that is the same for every number of buckets. So what goes, and when, depends on the
 * calls alone, and neither on memory nor on what the table has been before.
 *
 * Files: store.cc (life, accounting, digest), store_write.cc, store_read.cc, store_batch.cc,
 * store_time.cc (time, reclaiming, eviction).
 */
#pragma once

#include <memory>
#include <type_traits>

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
  bool evict = false;             // a write without room takes others' instead of being refused
  bool shared = false;            // other threads `read`: each write then tells them, in its bucket's line
};

/** What decides beside the items, and with them: whoever copies the items copies this. */
struct Clockwork {
  uint64_t flushed = 0;    // items of versions below it are gone
  uint64_t sweepAt = 0;    // where reclaiming goes on, in the order of reversed hashes
  uint64_t sweepLeft = 0;  // how far it has to go until it rests
  uint64_t hand = 0;       // where eviction goes on
  uint64_t most = 0;       // items that there ever were at once: by it steps are measured
  uint32_t now = 0;        // seconds since 1970, as far as the owner said
  uint32_t flushAt = 0;    // a flush to come, 0: none
  uint32_t sweepNext = 0;  // when reclaiming goes round again
  uint32_t reserved = 0;

  bool operator==(const Clockwork&) const = default;
};
static_assert(std::has_unique_object_representations_v<Clockwork>, "no implicit padding");

/** Items that went without a write of their key: counts since the store was made. */
struct Losses {
  uint64_t evicted = 0;
  uint64_t reclaimed = 0;  // gone before: expired or flushed
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

/** All about an item, as `inspect` sees it. */
struct Inspected {
  Found found;
  uint32_t state;
  uint64_t cas;  // the version, unless the state has CAS
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
  /**
   * An item of a version up to the one kept, not yet seen by the scan, is about to change or go.
   * `stays`: it keeps its version, so it may be shown again, changed, here and by the scan: what is
   * shown first counts.
   */
  virtual void keep(const Entry& entry, bool stays) = 0;

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
  /** Changes expiry and state (not CAS) of an item and nothing else; it counts as used. False: not
   * there. */
  bool retouch(uint64_t hash, const uint8_t* key, uint32_t keyBytes, uint32_t expiry,
               uint32_t state);
  /** Items of that hash were read: eviction is to spare them once more. */
  void used(uint64_t hash);
  /** An item as it was elsewhere, for a store that is put together: as it is, gone or not, and only
   * the first of a key. False when there is no room. */
  bool restore(uint64_t hash, const Entry& entry);

  // Time.

  /** Seconds since 1970; less than before is as before. A flush that is due takes what is of
   * versions below `version`. */
  void advance(uint32_t now, uint64_t version) {
    if (__builtin_expect(now > clockwork_.now, 0)) pass(now, version);
  }
  uint32_t now() const { return clockwork_.now; }
  /** Items of versions below `version` are gone now, or, when `at` is not 0, what is older than the
   * operation at which that time has come. The last call counts. */
  void flush(uint64_t version, uint32_t at);
  /** Looks at about `items` items for some that are gone, and takes their memory back. */
  void reclaim(uint64_t items) {
    if (__builtin_expect(mayHoldGone(), 0)) goRound(items);
  }
  /** Whether time decides anything: items will expire, or a flush is to come or not complete. */
  bool livesByTime() const { return mayHoldGone() || clockwork_.flushAt != 0; }
  const Clockwork& clockwork() const { return clockwork_; }
  /** Of a store whose items were put together by `restore`. */
  void setClockwork(const Clockwork& clockwork) { clockwork_ = clockwork; }
  const Losses& losses() const { return losses_; }
  uint64_t expiring() const { return expiring_; }

  // Reads.

  bool find(uint64_t hash, const uint8_t* key, uint32_t keyBytes, Found& found) const;
  bool inspect(uint64_t hash, const uint8_t* key, uint32_t keyBytes, Inspected& inspected) const;
  /** Any thread, when the store is shared. What is in `out` counts only when the status is ok. */
  Copied read(uint64_t hash, const uint8_t* key, uint32_t keyBytes, uint8_t* out,
              uint32_t outBytes) const;

  // Batches hide memory's latency: over a window of requests, prefetch all buckets, then all items,
  // then execute in order. setBatch and getBatch do the three passes themselves.

  void prefetchBucket(uint64_t hash) const { prefetch(&index_.bucketOf(hash)); }
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

  bool mayHoldGone() const { return expiring_ != 0 || clockwork_.sweepLeft != 0; }
  bool gone(const Item& item) const {
    const uint32_t expiry = item.expiry();
    return loadRelaxed(item.version) < loadRelaxed(clockwork_.flushed) ||
           (expiry != 0 && expiry <= loadRelaxed(clockwork_.now));
  }
  /** The item, if it is there for an operation. */
  const Item* presentOf(const Place& place) const {
    return place.item != nullptr && !gone(*place.item) ? place.item : nullptr;
  }
  Outcome put(uint64_t hash, Place& place, Record& record);
  bool makeRoom(uint64_t hash, Place& place, const Record& record, uint32_t sizeClass);
  void overwriteValue(const Place& place, const Record& record);
  void overwrite(const Place& place, const Record& record, uint32_t sizeClass);
  void write(uint64_t hash, const Place& place, const Record& record, uint32_t sizeClass);
  bool fits(uint64_t addedBytes, uint64_t freedBytes) const;
  Outcome take(const Place& place);
  void change(Bucket& first, Item& item, uint32_t expiry, uint32_t state);
  void pass(uint32_t now, uint64_t version);
  void goRound(uint64_t items);
  void sweep(uint64_t items);
  void takeGone(Bucket& first, uint64_t begin, uint64_t last);
  bool evictOne();
  bool passHand(Bucket& first, uint64_t at, uint32_t& spared);
  void vacate(Item* hole, uint32_t sizeClass);
  void beforeLoss(const Item& item, uint32_t sizeClass, bool stays = false) {
    if (__builtin_expect(keeper_ != nullptr, 0)) askKeeper(item, sizeClass, stays);
  }
  void askKeeper(const Item& item, uint32_t sizeClass, bool stays);

  Index index_;
  Arena arena_;
  alignas(64) uint64_t limitBytes_ = 0;
  bool evict_ = false;
  Clockwork clockwork_;
  Losses losses_;
  uint64_t expiring_ = 0;  // items with an expiry
  uint64_t chargedBytes_ = 0;
  uint64_t digest_ = 0;
  Keeper* keeper_ = nullptr;
  const Cursor* keeperCursor_ = nullptr;
  uint64_t keeperVersion_ = 0;
};

/** An item's part of the digest. */
uint64_t itemDigest(const Item& item);

}  // namespace mica

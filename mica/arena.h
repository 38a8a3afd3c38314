/**
 * Where items live: for each size class one dense array of item places.
 *
 * A class has no holes. Whoever removes an item moves the class's last item into its place (the
 * store does that, because the index must follow), so there are no free lists and no
 * fragmentation, and memory given up by one class is memory for the others. An address belongs to
 * one class for ever.
 *
 * Memory held: a class with u used bytes holds at most u + 2 * clamp(u / 8, 64 KiB, 2 MiB), plus
 * up to 2 MiB of rounding once it uses hugepages. An unused class keeps up to 132 KiB after a use.
 */
#pragma once

#include "item.h"
#include "region.h"

namespace mica {

class Arena {
 public:
  /** False when the addresses cannot be had: one reservation of `limitBytes` for each class. */
  [[nodiscard]] bool reserve(uint64_t limitBytes) {
    for (Class& each : classes_) {
      if (!each.region.reserve(limitBytes)) return false;
    }
    return true;
  }

  uint64_t count(uint32_t sizeClass) const { return classes_[sizeClass].count; }

  Item* at(uint32_t sizeClass, uint64_t index) const {
    uint8_t* const base = classes_[sizeClass].region.base();
    return reinterpret_cast<Item*>(base + index * classBytes(sizeClass));
  }

  Item* last(uint32_t sizeClass) const { return at(sizeClass, count(sizeClass) - 1); }

  /** A new place at the end; what lies there is stale. */
  Item* append(uint32_t sizeClass) {
    Class& grown = classes_[sizeClass];
    ++grown.count;
    grown.region.ensure(grown.count * classBytes(sizeClass));
    return last(sizeClass);
  }

  void dropLast(uint32_t sizeClass) {
    Class& shrunk = classes_[sizeClass];
    --shrunk.count;
    shrunk.region.release(shrunk.count * classBytes(sizeClass));
  }

  void clear() {
    for (Class& each : classes_) {
      each.count = 0;
      each.region.clear();
    }
  }

  /** Which of its class's items this one is. */
  uint64_t indexOf(uint32_t sizeClass, const Item* item) const {
    const auto* const at = reinterpret_cast<const uint8_t*>(item);
    return static_cast<uint64_t>(at - classes_[sizeClass].region.base()) / classBytes(sizeClass);
  }

  uint64_t heldBytes() const {
    uint64_t bytes = 0;
    for (const Class& each : classes_) bytes += each.region.heldBytes();
    return bytes;
  }

 private:
  struct Class {
    Region region;
    uint64_t count = 0;
  };
  Class classes_[CLASSES];
};

}  // namespace mica

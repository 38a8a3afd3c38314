/**
 * Puts wide operations together from fragments. Part of the replicated state: every decision
 * depends on the log alone.
 */
#pragma once

#include "machine/items.h"
#include "machine/session.h"

namespace machine {

/** Cluster-wide: what wide operations in progress may take together. */
inline constexpr uint64_t ASSEMBLIES_BYTES_MAX = 64u << 20;

class Assembler {
 public:
  Assembler(mica::Store& store, Items& items) : store_(store), items_(items) {}

  /** Takes a FRAGMENT at `at`. The last one of an operation executes it. */
  Executed fragment(Assembly& assembly, const uint8_t* at, const wire::Operation& head,
                    uint64_t version);
  void drop(Assembly& assembly);
  /**
   * A write of the session was left out of the order for want of disk. Had it been a fragment, the
   * others of its operation mean nothing now, nor may they be taken for another's.
   */
  Executed giveUp(Assembly& assembly);
  /** Counts an assembly that came from elsewhere. False when there is no room for it. */
  [[nodiscard]] bool adopt(const Assembly& assembly);
  /** All sessions are gone, and with them what they put together. */
  void clear() { bytes_ = 0; }

 private:
  void begin(Assembly& assembly, uint32_t total);
  Executed executeWide(const uint8_t* bytes, uint32_t total, uint64_t version);

  mica::Store& store_;
  Items& items_;
  uint64_t bytes_ = 0;  // of all assemblies in progress
};

}  // namespace machine

// Where everything lies in the slab: TX slots, the caller's extra room, rows, then every queue's
// receive room.
#pragma once

#include <cstdint>
#include <vector>

#include "verbs-addon/endpoint.h"

namespace endpoint {

struct QueueLayout {
  uint64_t rxRowsOffset = 0;
  uint64_t rxOffset = 0;  // page aligned
  uint64_t rxBytes = 0;
};

struct Layout {
  uint8_t* base = nullptr;  // set once the slab is mapped
  uint64_t bytes = 0;
  uint64_t txOffset = 0;
  uint64_t extraOffset = 0;
  uint64_t txRowsOffset = 0;
  std::vector<QueueLayout> queues;

  RxRow* rxRows(uint32_t queue) const {
    return reinterpret_cast<RxRow*>(base + queues[queue].rxRowsOffset);
  }
  TxRow* txRows() const { return reinterpret_cast<TxRow*>(base + txRowsOffset); }
};

inline constexpr uint64_t PAGE_BYTES = 4096;
inline constexpr uint64_t SLAB_BYTES_MAX = uint64_t{1} << 32;  // offsets are u32

inline uint64_t pageUp(uint64_t bytes) {
  return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

inline Layout layOut(const Settings& settings,
                     uint64_t (*rxBytesOf)(const Settings&, const QueueSettings&)) {
  Layout layout;
  uint64_t end = 0;
  const auto take = [&end](uint64_t bytes) {
    const uint64_t at = end;
    end = pageUp(end + bytes);
    return at;
  };
  layout.txOffset = take(uint64_t{settings.txSlots} * settings.datagramBytes);
  layout.extraOffset = take(settings.extraBytes);
  layout.txRowsOffset = take(uint64_t{settings.txRows} * sizeof(TxRow));
  for (const QueueSettings& queue : settings.queues) {
    QueueLayout placed;
    placed.rxRowsOffset = take(uint64_t{queue.rxSlots} * sizeof(RxRow));
    placed.rxBytes = rxBytesOf(settings, queue);
    placed.rxOffset = take(placed.rxBytes);
    layout.queues.push_back(placed);
  }
  layout.bytes = end;
  return layout;
}

}  // namespace endpoint

/**
 * A range of addresses, reserved once, whose memory comes and goes at its end.
 *
 * Addresses are never given back before the region is destroyed: a reader on another thread that
 * follows an old reference reads stale bytes or zeros, never a fault. Memory is given back
 * (`release`) while the addresses stay readable.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace mica {

inline constexpr size_t PAGE_BYTES = 4096;
inline constexpr size_t HUGEPAGE_BYTES = size_t{2} << 20;

/** A region keeps this much memory beyond its use, so that it does not thrash at an edge. */
inline constexpr size_t REGION_SLACK_BYTES_MIN = size_t{64} << 10;
inline constexpr size_t REGION_SLACK_BYTES_MAX = HUGEPAGE_BYTES;

class Region {
 public:
  Region() = default;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region();

  /** Addresses only, no memory yet. False when the system refuses. */
  [[nodiscard]] bool reserve(size_t bytes);

  uint8_t* base() const { return base_; }
  size_t heldBytes() const { return heldBytes_; }

  /** Makes the first `usedBytes` usable; fresh memory is zero. Without memory the process ends. */
  void ensure(size_t usedBytes) {
    if (__builtin_expect(usedBytes > heldBytes_, 0)) extend(usedBytes);
  }

  /** Only the first `usedBytes` are in use now: memory well beyond them goes back. */
  void release(size_t usedBytes) {
    const size_t keptBytesMin = usedBytes + 2 * REGION_SLACK_BYTES_MIN;
    if (__builtin_expect(heldBytes_ > keptBytesMin, 0)) shrink(usedBytes);
  }

  /** Nothing is in use any more: all memory goes back, and reads as zeros when it is used again. */
  void clear();

 private:
  void extend(size_t usedBytes);
  void shrink(size_t usedBytes);

  uint8_t* base_ = nullptr;
  size_t reservedBytes_ = 0;
  size_t writableBytes_ = 0;  // may be touched without a fault
  size_t heldBytes_ = 0;      // may be backed by memory
  void* mapping_ = nullptr;
  size_t mappingBytes_ = 0;
};

}  // namespace mica

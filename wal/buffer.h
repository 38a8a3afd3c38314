/** Memory that fills with records or parts, one behind the other, and is emptied as a whole. */
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <utility>

#include "wal/assert.h"

namespace wal {

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (base_ != nullptr) munmap(base_, capacity_);
  }

  bool create(uint64_t bytes) {
    void* const at =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return false;
    base_ = static_cast<uint8_t*>(at);
    capacity_ = bytes;
    return true;
  }

  uint8_t* at(uint64_t offset) const { return base_ + offset; }
  uint64_t used() const { return used_; }
  bool hasRoom(uint64_t bytes) const { return used_ + bytes <= capacity_; }

  /** A header and its payload, padded with zeros to `bytes` in all. */
  template <typename Header>
  void append(const Header& header, const uint8_t* payload, uint64_t payloadBytes,
              uint64_t bytes) {
    require(hasRoom(bytes), "append: there is room");
    uint8_t* const to = base_ + used_;
    std::memset(to + bytes - 8, 0, 8);
    std::memcpy(to, &header, sizeof header);
    if (payloadBytes != 0) std::memcpy(to + sizeof header, payload, payloadBytes);
    used_ += bytes;
  }

  void clear() { used_ = 0; }
  void swap(Buffer& other) {
    std::swap(base_, other.base_);
    std::swap(capacity_, other.capacity_);
    std::swap(used_, other.used_);
  }

 private:
  uint8_t* base_ = nullptr;
  uint64_t capacity_ = 0;
  uint64_t used_ = 0;
};

}  // namespace wal

/**
 * Bytes on their way out: put in as whole pieces, taken out in whatever amounts. Memory goes back as
 * it is emptied.
 */
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>

namespace machine {

class ByteQueue {
 public:
  bool empty() const { return chunks_.empty(); }
  uint64_t bytes() const { return bytes_; }

  /** Room for a piece at the end; the caller fills it in before the next call. */
  uint8_t* append(size_t bytes) {
    if (chunks_.empty() || chunks_.back().capacity - chunks_.back().used < bytes) {
      const size_t capacity = std::max(CHUNK_BYTES, bytes);
      chunks_.push_back({std::make_unique_for_overwrite<uint8_t[]>(capacity), capacity, 0, 0});
    }
    Chunk& last = chunks_.back();
    last.used += bytes;
    bytes_ += bytes;
    return last.at.get() + last.used - bytes;
  }

  /** Moves what fits to `out`; returns how much. */
  size_t take(uint8_t* out, size_t bytes) {
    size_t taken = 0;
    while (taken < bytes && !chunks_.empty()) {
      Chunk& first = chunks_.front();
      const size_t count = std::min(bytes - taken, first.used - first.taken);
      std::memcpy(out + taken, first.at.get() + first.taken, count);
      first.taken += count;
      taken += count;
      if (first.taken == first.used) chunks_.pop_front();
    }
    bytes_ -= taken;
    return taken;
  }

  void clear() {
    chunks_.clear();
    bytes_ = 0;
  }

 private:
  static constexpr size_t CHUNK_BYTES = size_t{64} << 10;

  struct Chunk {
    std::unique_ptr<uint8_t[]> at;
    size_t capacity;
    size_t used;
    size_t taken;
  };

  std::deque<Chunk> chunks_;  // none is empty
  uint64_t bytes_ = 0;
};

}  // namespace machine

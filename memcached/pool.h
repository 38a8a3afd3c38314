/**
 * Blocks of memory for the connections of one thread. A connection has blocks only while it has something to keep, so
 * thousands of idle ones cost next to nothing; and the block taken next is the one that is warm in the cache.
 */
#pragma once

#include <cstddef>
#include <cstdint>

#include "memcached/limits.h"

namespace memcached {

struct Block {
  Block* next;
  uint64_t neededUntil; // input: this many commands must be answered before it may go
  size_t capacity;
  size_t begin;
  size_t end;
  alignas(64) char bytes[];

  size_t used() const { return end - begin; }
  size_t room() const { return capacity - end; }
};

class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  /** An empty block of at least so many bytes. Larger than BLOCK_BYTES comes from the allocator and goes back to it. */
  Block* take(size_t bytes = BLOCK_BYTES);
  void give(Block* block);

  /** Blocks that connections have. */
  uint64_t lent() const { return lent_; }

 private:
  static constexpr uint32_t KEPT_MAX = 1024;

  Block* free_ = nullptr;
  uint32_t kept_ = 0;
  uint64_t lent_ = 0;
};

}  // namespace memcached

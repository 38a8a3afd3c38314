#include "memcached/pool.h"

#include <algorithm>
#include <cstdlib>

#include "memcached/assert.h"

namespace memcached {

Pool::~Pool() {
  require(lent_ == 0, "pool: connections end before their pool");
  while (free_ != nullptr) {
    Block* const block = free_;
    free_ = block->next;
    std::free(block);
  }
}

Block* Pool::take(size_t bytes) {
  ++lent_;
  Block* block = free_;
  const size_t capacity = std::max(bytes, BLOCK_BYTES);
  if (capacity == BLOCK_BYTES && block != nullptr) {
    free_ = block->next;
    --kept_;
  } else {
    const size_t whole = (sizeof(Block) + capacity + alignof(Block) - 1) / alignof(Block) * alignof(Block);
    block = static_cast<Block*>(std::aligned_alloc(alignof(Block), whole));
    require(block != nullptr, "pool: there is memory for a block");
    block->capacity = capacity;
  }
  block->next = nullptr;
  block->neededUntil = 0;
  block->begin = 0;
  block->end = 0;
  return block;
}

void Pool::give(Block* block) {
  require(lent_ != 0, "pool: a block is given back once");
  --lent_;
  if (block->capacity != BLOCK_BYTES || kept_ == KEPT_MAX) {
    std::free(block);
    return;
  }
  block->next = free_;
  free_ = block;
  ++kept_;
}

}  // namespace memcached

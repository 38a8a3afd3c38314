#include "machine/pending.h"

#include <bit>
#include <new>

#include "machine/assert.h"

namespace machine {

PendingPool::~PendingPool() = default;

Pending* PendingPool::take(uint32_t dataBytes) {
  const uint32_t bits = std::bit_width(sizeof(Pending) + dataBytes - 1);
  require(bits <= BITS_MAX, "pending: the reads of a record fit a node");
  const uint32_t sizeClass = bits <= BITS_MIN ? 0 : bits - BITS_MIN;
  if (free_[sizeClass] == nullptr) refill(sizeClass);
  Pending* const node = free_[sizeClass];
  free_[sizeClass] = node->next;
  node->next = nullptr;
  node->dataBytes = dataBytes;
  ++taken_;
  return node;
}

void PendingPool::give(Pending* node) {
  require(taken_ != 0, "pending: a node given back was taken");
  node->next = free_[node->sizeClass];
  free_[node->sizeClass] = node;
  --taken_;
}

void PendingPool::refill(uint32_t sizeClass) {
  const uint32_t bytes = 1u << (BITS_MIN + sizeClass);
  chunks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(CHUNK_BYTES));
  uint8_t* const chunk = chunks_.back().get();
  for (uint32_t offset = 0; offset < CHUNK_BYTES; offset += bytes) {
    auto* const node = new (chunk + offset) Pending{};
    node->sizeClass = static_cast<uint8_t>(sizeClass);
    node->next = free_[sizeClass];
    free_[sizeClass] = node;
  }
}

}  // namespace machine

#include "memcached/input.h"

#include <cstring>

#include "memcached/assert.h"

namespace memcached {

Input::~Input() {
  release(UINT64_MAX);
  if (current_ != nullptr) pool_.give(current_);
}

std::span<char> Input::space(uint64_t answered) {
  if (current_ == nullptr) {
    current_ = pool_.take(needed_);
  } else {
    const size_t wanted = needed_ != 0 ? needed_ : current_->used() + RECEIVE_BYTES_MIN;
    if (current_->capacity - current_->begin < wanted) move(wanted, answered);
  }
  return {current_->bytes + current_->end, current_->room()};
}

/** Makes room for `wanted` bytes behind the beginning of what is unread. */
void Input::move(size_t wanted, uint64_t answered) {
  Block* const former = current_;
  const size_t bytes = former->used();
  const bool free = former->neededUntil <= answered;
  if (free && former->capacity >= wanted) {
    std::memmove(former->bytes, former->bytes + former->begin, bytes);
    former->begin = 0;
    former->end = bytes;
    return;
  }
  current_ = pool_.take(wanted);
  std::memcpy(current_->bytes, former->bytes + former->begin, bytes);
  current_->end = bytes;
  if (free) {
    pool_.give(former);
    return;
  }
  heldBytes_ += former->capacity;
  (oldest_ == nullptr ? oldest_ : newest_->next) = former;
  newest_ = former;
}

void Input::received(size_t bytes) {
  require(current_ != nullptr && bytes <= current_->room(), "input: what was received is in the space given");
  current_->end += bytes;
}

void Input::consume(size_t bytes) {
  require(bytes <= unread(), "input: only what is there is consumed");
  if (bytes == 0) return;
  current_->begin += bytes;
  needed_ = 0;
}

void Input::release(uint64_t answered) {
  while (oldest_ != nullptr && oldest_->neededUntil <= answered) {
    Block* const block = oldest_;
    oldest_ = block->next;
    heldBytes_ -= block->capacity;
    pool_.give(block);
  }
  if (current_ != nullptr && current_->used() == 0 && current_->neededUntil <= answered) {
    pool_.give(current_);
    current_ = nullptr;
  }
}

}  // namespace memcached

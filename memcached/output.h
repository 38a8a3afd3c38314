/** Replies on their way to the socket: a list of blocks, filled at one end and sent from the other. */
#pragma once

#include <cstring>
#include <span>
#include <string_view>

#include "memcached/assert.h"
#include "memcached/pool.h"

namespace memcached {

class Output {
 public:
  explicit Output(Pool& pool) : pool_(pool) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    while (first_ != nullptr) drop();
  }

  /** `bytes` in one piece, at most BLOCK_BYTES: write there, then commit() what was written. */
  char* reserve(size_t bytes) {
    if (last_ == nullptr || last_->room() < bytes) grow();
    return last_->bytes + last_->end;
  }
  void commit(const char* end) {
    const auto to = static_cast<size_t>(end - last_->bytes);
    bytes_ += to - last_->end;
    last_->end = to;
  }

  void append(std::string_view text) {
    while (!text.empty()) {
      if (last_ == nullptr || last_->room() == 0) grow();
      const size_t bytes = text.size() < last_->room() ? text.size() : last_->room();
      std::memcpy(last_->bytes + last_->end, text.data(), bytes);
      last_->end += bytes;
      bytes_ += bytes;
      text.remove_prefix(bytes);
    }
  }

  size_t bytes() const { return bytes_; }

  /** The oldest unsent pieces, for one gathering write. Returns how many there are. */
  size_t pieces(std::span<std::string_view> pieces) const {
    size_t count = 0;
    for (const Block* block = first_; block != nullptr && count != pieces.size(); block = block->next) {
      if (block->used() != 0) pieces[count++] = {block->bytes + block->begin, block->used()};
    }
    return count;
  }

  void sent(size_t bytes) {
    require(bytes <= bytes_, "output: only what is there was sent");
    bytes_ -= bytes;
    while (first_ != nullptr && bytes >= first_->used()) {
      bytes -= first_->used();
      drop();
    }
    if (bytes != 0) first_->begin += bytes;
  }

 private:
  void grow() {
    Block* const block = pool_.take();
    (last_ == nullptr ? first_ : last_->next) = block;
    last_ = block;
  }
  void drop() {
    Block* const block = first_;
    first_ = block->next;
    if (first_ == nullptr) last_ = nullptr;
    pool_.give(block);
  }

  Pool& pool_;
  Block* first_ = nullptr;
  Block* last_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace memcached

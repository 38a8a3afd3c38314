/**
 * The commands of a connection that are not answered, in order: answered | given out | waiting. Numbers count from the
 * connection's beginning and never wrap in practice.
 */
#pragma once

#include <new>

#include "memcached/assert.h"
#include "memcached/command.h"
#include "memcached/pool.h"

namespace memcached {

class Queue {
 public:
  explicit Queue(Pool& pool) : pool_(pool) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue() {
    if (block_ != nullptr) pool_.give(block_);
  }

  uint64_t answered() const { return answered_; }
  uint64_t given() const { return given_; }
  uint64_t pushed() const { return pushed_; }
  bool empty() const { return answered_ == pushed_; }
  bool full() const { return pushed_ - answered_ == COMMANDS_MAX; }

  Command& push() {
    require(!full(), "queue: there is room for a command");
    if (block_ == nullptr) block_ = pool_.take();
    return *new (slot(pushed_++)) Command;
  }
  Command& oldest() { return *at(answered_); }
  Command& next() { return *at(given_); }
  void give() { ++given_; }
  void answer() {
    if (given_ == answered_++) ++given_;
  }

  /** Nothing is kept while there is nothing to wait for. */
  void release() {
    if (block_ == nullptr || !empty()) return;
    pool_.give(block_);
    block_ = nullptr;
  }

 private:
  static_assert((COMMANDS_MAX & (COMMANDS_MAX - 1)) == 0, "a slot is a number without its upper bits");
  static_assert(sizeof(Command) * COMMANDS_MAX <= BLOCK_BYTES, "all commands fit a block");

  void* slot(uint64_t number) { return block_->bytes + (number & (COMMANDS_MAX - 1)) * sizeof(Command); }
  Command* at(uint64_t number) { return std::launder(static_cast<Command*>(slot(number))); }

  Pool& pool_;
  Block* block_ = nullptr;
  uint64_t answered_ = 0;
  uint64_t given_ = 0;
  uint64_t pushed_ = 0;
};

}  // namespace memcached

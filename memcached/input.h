/**
 * What a connection has received and not yet parsed, and the blocks that commands without an answer still point into.
 * A command lies in one piece: where it does not fit behind what is there, it moves to a block of its own.
 */
#pragma once

#include <span>
#include <string_view>

#include "memcached/pool.h"

namespace memcached {

class Input {
 public:
  explicit Input(Pool& pool) : pool_(pool) {}
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input();

  /** Where to receive to; never empty. `answered` commands point nowhere any more. */
  std::span<char> space(uint64_t answered);
  void received(size_t bytes);

  const char* at() const { return current_ == nullptr ? nullptr : current_->bytes + current_->begin; }
  char* at() { return current_ == nullptr ? nullptr : current_->bytes + current_->begin; }
  size_t unread() const { return current_ == nullptr ? 0 : current_->used(); }
  void consume(size_t bytes);

  /** The command at the front needs so many bytes in one piece; for the next space(). */
  void need(size_t bytes) { needed_ = bytes; }
  /** Command number `commands` - 1 points into what was consumed last. */
  void holdUntil(uint64_t commands) { current_->neededUntil = commands; }
  /** Gives back what nobody points into. */
  void release(uint64_t answered);

  /** Bytes of all blocks but the first. */
  size_t heldBytes() const { return heldBytes_; }

 private:
  void move(size_t wanted, uint64_t answered);

  Pool& pool_;
  Block* current_ = nullptr;
  Block* oldest_ = nullptr; // of those that are only held
  Block* newest_ = nullptr;
  size_t heldBytes_ = 0;
  size_t needed_ = 0;
};

}  // namespace memcached

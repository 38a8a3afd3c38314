/** One connection as the front has it: what memcached says, the commands that wait for answers, and its socket. */
#pragma once

#include <memory>

#include "front/session.h"
#include "machine/assert.h"
#include "memcached/connection.h"

namespace front {

/** A command that was given out and is not answered. */
struct Waiting {
  const memcached::Command* command;
  uint32_t operations;  // that it is in the order: fragments, or one
  uint32_t sent;        // of them
  uint32_t answered;    // of them
  bool reads;           // it has no sequence
  bool fetches;         // a plain read that has to go through the order: the item is stale
  uint32_t expiry;      // that the item had when it was sent, if the reply tells of it
};

/** Commands in their order: answered | sent | to be sent. */
class WaitingRing {
 public:
  bool empty() const { return first_ == end_; }
  bool full() const { return end_ - first_ == memcached::COMMANDS_MAX; }
  bool allSent() const { return next_ == end_; }
  /** Whether all before next() are answered. */
  bool nextIsFirst() const { return next_ == first_; }
  bool noneSent() const { return next_ == first_ && (empty() || front().sent == 0); }

  void push(const memcached::Command* command) {
    if (slots_ == nullptr) slots_ = std::make_unique<Waiting[]>(memcached::COMMANDS_MAX);
    at(end_++) = {command, 0, 0, 0, false, false, 0};
    if (command->invalidates) ++invalidating_;
  }
  Waiting& front() const { return at(first_); }
  /** The first that is not sent as a whole. */
  Waiting& next() const { return at(next_); }
  void sentNext() {
    ++next_;
    if (reached_ < next_) reached_ = next_;
  }
  void pop() {
    if (front().command->invalidates) --invalidating_;
    if (next_ == first_++) ++next_;
  }
  /** What was sent is to be sent again, but for the fragments that were answered. */
  void rewind() {
    for (uint64_t i = first_; i != end_; ++i) at(i).sent = at(i).answered;
    next_ = first_;
  }
  /** Whether next() was sent over a former link already. */
  bool nextWasSent() const { return next_ < reached_; }
  /** Whether one of them may make an item stale. */
  bool invalidates() const { return invalidating_ != 0; }
  /** Whether a command behind the oldest, sent now or over a former link, may have changed the key's item. */
  bool changesBehindFirst(std::string_view key) const {
    for (uint64_t i = first_ + 1; i < reached_; ++i) {
      const memcached::Command& command = *at(i).command;
      if (command.verb == memcached::Verb::flush || (!at(i).reads && command.key == key)) return true;
    }
    return false;
  }

 private:
  Waiting& at(uint64_t number) const { return slots_[number & (memcached::COMMANDS_MAX - 1)]; }

  std::unique_ptr<Waiting[]> slots_;  // once there was something to wait for
  uint64_t first_ = 0;
  uint64_t next_ = 0;
  uint64_t end_ = 0;
  uint64_t reached_ = 0;  // the furthest that next_ was
  uint32_t invalidating_ = 0;
};

struct Client {
  Client(memcached::Pool& pool, const memcached::Settings& settings, int ofSocket)
      : connection(pool, settings), socket(ofSocket) {}

  memcached::Connection connection;
  WaitingRing waiting;
  Session* session = nullptr;
  uint64_t progressMillis = 0;  // when the oldest command began to wait
  uint64_t heardMillis = 0;
  int socket;          // -1: hung up, while commands were under way
  uint32_t watched = 0;
  uint32_t place = 0;  // in the server's list
  bool active = false;
  bool touched = false;
  bool queued = false;  // for a session
  bool listed = false;  // among those that wait
};

}  // namespace front

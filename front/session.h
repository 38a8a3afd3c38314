/**
 * The sessions that a front's connections borrow: one for each connection with commands in the order, given back when
 * all of them are answered. So opening one is rare, and no connection waits for another's writes.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace front {

struct Client;

/** What a session without a connection does: nothing, or one write of the front's own. */
enum class Errand : uint8_t { none, touch, close, used };

struct Session {
  uint64_t id;
  Client* client = nullptr;
  uint64_t operation = 1;         // of the next operation to be sent
  uint64_t sequence = 1;          // of the next write to be sent
  uint64_t expected = 1;          // operation of the next answer
  uint64_t expectedSequence = 1;  // the oldest write that is not answered
  uint64_t usedMillis = 0;
  Errand errand = Errand::none;
  bool ended = false;  // the cluster has forgotten it

  uint64_t unansweredWrites() const { return sequence - expectedSequence; }
  /** What was sent is to be sent again, under the numbers that it had. */
  void rewind() {
    operation = expected;
    sequence = expectedSequence;
  }
};

class Sessions {
 public:
  Session* find(uint64_t id) {
    if (last_ != nullptr && last_->id == id) return last_;
    const auto at = byId_.find(id);
    return at == byId_.end() ? nullptr : (last_ = at->second.get());
  }
  Session* add(uint64_t id) { return (byId_[id] = std::make_unique<Session>(Session{.id = id})).get(); }
  /** Forgets one that is not free. */
  void remove(Session* session) {
    last_ = nullptr;
    byId_.erase(session->id);
  }

  /** The one used last: the others grow idle, and end. Null: there is none. */
  Session* borrow() {
    if (free_.empty()) return nullptr;
    Session* const session = free_.back();
    free_.pop_back();
    return session;
  }
  void giveBack(Session* session, uint64_t nowMillis) {
    session->client = nullptr;
    session->errand = Errand::none;
    session->usedMillis = nowMillis;
    free_.push_back(session);
  }
  /** The free one that was idle the longest if it was for so long; it is borrowed then. */
  Session* borrowIdle(uint64_t beforeMillis) {
    for (size_t i = 0; i < free_.size(); ++i) {
      Session* const session = free_[i];
      if (session->usedMillis >= beforeMillis) continue;
      free_.erase(free_.begin() + static_cast<ptrdiff_t>(i));
      return session;
    }
    return nullptr;
  }

  size_t count() const { return byId_.size(); }
  size_t freeCount() const { return free_.size(); }

  template <typename Visit>
  void each(Visit&& visit) {
    for (const auto& [id, session] : byId_) visit(*session);
  }

 private:
  std::unordered_map<uint64_t, std::unique_ptr<Session>> byId_;
  std::vector<Session*> free_;
  Session* last_ = nullptr;
};

}  // namespace front

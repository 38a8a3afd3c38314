/**
 * Sessions by id: open addressing over a table sized once for the cluster's limit. Sessions do not
 * move.
 */
#pragma once

#include <deque>

#include "machine/session.h"
#include "mica/words.h"

namespace machine {

/** A serialized session's part of the digest; the number of sessions is added to their sum. */
uint64_t sessionDigest(const uint8_t* bytes, size_t count);

class SessionTable {
 public:
  explicit SessionTable(uint32_t sessionsMax);
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;
  ~SessionTable();

  uint32_t count() const { return count_; }
  bool full() const { return count_ == sessionsMax_; }

  void prefetch(uint64_t id) const { mica::prefetch(&slots_[place(id)]); }

  Session* find(uint64_t id) const {
    for (uint64_t i = place(id);; i = (i + 1) & mask_) {
      if (slots_[i].id == id) return slots_[i].session;
      if (slots_[i].id == 0) return nullptr;
    }
  }

  /**
   * A new session with nothing applied. Its id is not in the table, and the table is not full. It counts
   * as touched now.
   */
  Session* insert(uint64_t id);
  /** Now, by a clock that does not go back: the session is the last touched. */
  void touch(Session& session, uint64_t now) {
    // Equal times in any order: who expires is decided by time alone.
    if (session.state.lastTouched == now) return;
    session.state.lastTouched = now;
    if (touchedLast_ == &session) return;
    unlist(session);
    list(session);
  }
  /** The one that was touched longest ago; null when there is none. */
  Session* idlest() const { return touchedFirst_; }
  /** After sessions came with times of their own: puts them in order. */
  void orderByTouch();
  void erase(Session* session);
  void clear();

  /** For a scan beside changes: sessions keep their places; one that ended has id 0. */
  size_t places() const { return sessions_.size(); }
  Session& at(size_t place) { return sessions_[place]; }

  /** Order-independent digest of the replicated state. */
  uint64_t digest() const;

  template <typename Visit>
  void each(Visit&& visit) const {
    for (uint64_t i = 0; i <= mask_; ++i) {
      if (slots_[i].id != 0) visit(*slots_[i].session);
    }
  }

 private:
  struct Slot {
    uint64_t id;  // 0: empty
    Session* session;
  };

  void list(Session& session);
  void unlist(Session& session);

  uint64_t place(uint64_t id) const { return (id * 0x9e3779b97f4a7c15u) >> shift_; }

  uint32_t sessionsMax_;
  uint32_t count_ = 0;
  uint32_t shift_;
  uint64_t mask_;
  Slot* slots_;  // zero pages until they are used
  std::deque<Session> sessions_;
  std::vector<Session*> free_;
  Session* touchedFirst_ = nullptr;
  Session* touchedLast_ = nullptr;
};

}  // namespace machine

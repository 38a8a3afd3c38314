/**
 * Sessions by id: open addressing over a table sized once for the cluster's limit. Sessions do not
 * move.
 */
#pragma once

#include <deque>

#include "machine/session.h"

namespace machine {

class SessionTable {
 public:
  explicit SessionTable(uint32_t sessionsMax);
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;
  ~SessionTable();

  uint32_t count() const { return count_; }
  bool full() const { return count_ == sessionsMax_; }

  void prefetch(uint64_t id) const { __builtin_prefetch(&slots_[place(id)]); }

  Session* find(uint64_t id) const {
    for (uint64_t i = place(id);; i = (i + 1) & mask_) {
      if (slots_[i].id == id) return slots_[i].session;
      if (slots_[i].id == 0) return nullptr;
    }
  }

  /** A new session with nothing applied. Its id is not in the table, and the table is not full. */
  Session* insert(uint64_t id);
  void erase(Session* session);

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

  uint64_t place(uint64_t id) const { return (id * 0x9e3779b97f4a7c15u) >> shift_; }

  uint32_t sessionsMax_;
  uint32_t count_ = 0;
  uint32_t shift_;
  uint64_t mask_;
  Slot* slots_;  // zero pages until they are used
  std::deque<Session> sessions_;
  std::vector<Session*> free_;
};

}  // namespace machine

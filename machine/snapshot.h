/**
 * Writes a snapshot of the replicated state while entries are applied: a scan, and beside it a queue
 * of what would change before the scan comes to it.
 *
 * Upholds: the stream holds the state at the counter of `begin`, whatever is applied meanwhile. Items
 * tell by their version whether they are of that state, sessions by their id and a mark.
 */
#pragma once

#include <unordered_set>
#include <vector>

#include "machine/byte_queue.h"
#include "machine/session_table.h"
#include "machine/snapshot_format.h"
#include "mica/store.h"

namespace machine {

class Snapshot final : public mica::Keeper {
 public:
  Snapshot(const snapshot::Limits& limits, SessionTable& sessions, mica::Store& store)
      : limits_(limits), sessions_(sessions), store_(store) {}

  bool active() const { return active_; }
  /** Bytes kept aside for changes that were faster than the scan. */
  uint64_t keptBytes() const { return queue_.bytes(); }

  void begin(uint64_t counter, const SessionClock& clock);
  /** The next part of the stream; 0 bytes at its end. */
  uint32_t next(uint8_t* out, uint32_t bytes);
  void end();

  /** The applier says so before it changes a session's replicated state, or ends the session. */
  void beforeChange(Session& session) {
    if (__builtin_expect(active_, 0)) keepSession(session);
  }
  void keep(const mica::Entry& entry, bool stays) override;

 private:
  enum class Phase : uint8_t { items, sessions, done };
  /** A part being written. */
  struct Part {
    uint8_t* out;
    uint32_t bytes;
    uint32_t written;
  };

  uint8_t* room(Part& part, size_t bytes);
  void step(Part& part);
  void keepSession(Session& session);
  size_t serializeSession(Session& session);
  void writeSession(uint8_t* out) const;
  void writeEnd(uint8_t* out) const;

  snapshot::Limits limits_;
  SessionTable& sessions_;
  mica::Store& store_;

  bool active_ = false;
  Phase phase_ = Phase::done;
  uint32_t serial_ = 0;  // of this snapshot: sessions that it has bear it
  uint64_t counter_ = 0;
  uint64_t items_ = 0;
  uint64_t digest_ = 0;
  uint64_t sessionCount_ = 0;
  uint64_t sessionsDigest_ = 0;
  mica::Cursor cursor_;
  size_t place_ = 0;   // of the next session of the scan
  size_t places_ = 0;  // where sessions were at the beginning
  ByteQueue queue_;
  std::vector<uint8_t> scratch_;  // a session as bytes
  std::unordered_set<uint64_t> staying_;  // versions of items kept although they stay
};

}  // namespace machine

/**
 * Executes committed entries in order: sessions, exactly once, the store; and hands what is owed
 * here its answers.
 *
 * Upholds Integrity at the state machine: a write of a session takes effect at most once, and only
 * after all earlier ones of its session. Everything but the answers depends on the log alone.
 */
#pragma once

#include "machine/assembler.h"
#include "machine/home.h"
#include "machine/items.h"
#include "machine/session_clock.h"
#include "machine/snapshot.h"

namespace machine {

class Applier {
 public:
  struct Settings {
    const uint8_t* slab;
    uint64_t slabBytes;
    uint32_t datagramBytes;
    uint32_t replica;
    uint32_t sessionWindow;
    uint64_t sessionMicros;
  };
  Applier(const Settings& settings, SessionTable& sessions, mica::Store& store, Home& home,
          Assembler& assembler, Items& items, Keeping& keeping, Snapshot& snapshot,
          Counters& counters);

  /** Entries in order, by the offsets of their datagrams. */
  void apply(const uint32_t* offsets, uint32_t count);

  uint64_t applied() const { return applied_; }
  uint64_t forwardApplied() const { return forwardApplied_; }
  const SessionClock& clock() const { return clock_; }
  /** The state was replaced by that at `counter`: the log goes on behind it. */
  void restart(uint64_t counter, const SessionClock& clock);

 private:
  struct OperationRef {
    const uint8_t* at;
    uint64_t hash;
  };
  struct RecordRef {
    RecordView view;
    uint64_t counter;  // of its first operation
    uint64_t now;      // by the session clock
    uint32_t seconds;  // of the log's time
    uint32_t work;     // of the entry's first record: items to look at for some that are gone
    uint32_t first;    // in operations_
  };

  void gather(uint32_t offset);
  void gatherRecord(const RecordView& record, uint64_t counter, uint32_t work);
  void executeGroup();
  void prefetchSessions(size_t record);
  void applyRecord(const RecordRef& record);
  void applySessionless(const RecordRef& record);
  void open(const RecordRef& record);
  uint32_t executeUntil(Session& session, const RecordRef& record, uint32_t from, uint32_t end);
  static bool isSet(const OperationRef& operation) { return *operation.at == wire::op::SET; }
  Executed set(const OperationRef& operation, uint64_t version);
  Executed execute(Session& session, const OperationRef& operation, uint64_t version);
  void expireIdle(uint64_t now);
  void endSession(Session& session);
  void keep(SessionState& state, const Run& run);

  Settings settings_;
  SessionTable& sessions_;
  mica::Store& store_;
  Home& home_;
  Assembler& assembler_;
  Items& items_;
  Keeping& keeping_;
  Snapshot& snapshot_;
  Counters& counters_;

  std::vector<RecordRef> records_;  // of the group in work
  std::vector<OperationRef> operations_;
  bool closing_ = false;  // the operation just executed was a CLOSE
  SessionClock clock_;
  uint32_t seconds_ = 0;  // of the log's time, as gathered
  uint64_t applied_ = 0;
  uint64_t forwardApplied_ = 0;
};

}  // namespace machine

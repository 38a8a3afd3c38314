/**
 * The home of sessions: takes the REQUESTs of clients, serves reads, packs writes for the order,
 * and remembers what is still to be answered.
 *
 * Upholds the session's order: a read takes effect after every earlier write of its session and
 * before every later one. The applier asks `boundary` how far it may go before `drain` must run.
 */
#pragma once

#include <unordered_map>
#include <vector>

#include "machine/packer.h"
#include "machine/replies.h"
#include "machine/session_table.h"
#include "mica/store.h"

namespace machine {

enum class Taken : uint32_t {
  ok = 0,
  noRoom = 1,     // too little room in the pack span, or too few reply slots: nothing was consumed
  malformed = 2,  // nothing was consumed; the link is to be closed
};

class Home {
 public:
  struct Settings {
    uint8_t* slab;
    uint64_t slabBytes;
    uint32_t datagramBytes;
    uint32_t replica;
    uint32_t linksMax;
    uint32_t sessionsMax;
    uint32_t sessionWindow;
  };
  Home(const Settings& settings, SessionTable& sessions, const mica::Store& store, Packer& packer,
       Replies& replies, Counters& counters);

  void linkOpen(uint32_t link, uint64_t age, Sink* sink);
  void linkClose(uint32_t link);
  Taken request(uint32_t offset, uint32_t link);
  Taken forwarded(uint32_t offset);

  // For the applier.

  /** The last write of the session that may be applied before `drain`. Always beyond what is
   * applied. */
  static uint64_t boundary(const Session& session) {
    const Pending* const first = session.first;
    if (first == nullptr) return UINT64_MAX;
    if (first->reads || first->sequence > session.state.applied + 1) return first->sequence - 1;
    return first->sequence + first->count - 1;
  }
  /** Answers what became answerable. */
  void drain(Session& session);
  /** Ends a session's business here: whatever it is still owed is answered SESSION_EXPIRED. */
  void expire(Session& session);
  /** An OPEN of this replica took effect. */
  void opened(uint64_t nonce, uint32_t status, uint64_t session);

  uint64_t pendings() const { return pool_.taken() + opens_.size(); }

 private:
  /** How far ahead of a read its item is fetched. */
  static constexpr uint32_t ITEMS_AHEAD = 8;

  struct ReadRef {
    const uint8_t* at;
    uint64_t hash;
  };
  /** Operations of one kind in a row in a record. */
  struct Segment {
    bool reads;
    uint32_t count;
    uint64_t operation;
    uint64_t sequence;
    const uint8_t* at;
    const uint8_t* end;
  };

  bool scan(const Body& body);
  bool scanRecord(const RecordView& record);
  void take(const RecordView& record, uint32_t link);
  void takeOpen(const RecordView& record, uint32_t link);
  void takeSegments(const RecordView& record, Session& session);
  Segment segmentAt(const uint8_t* at, const RecordView& record, uint32_t left) const;
  uint8_t* takeWrites(Session& session, Segment segment, uint8_t* out);
  void takeReads(Session& session, const Segment& segment);
  bool bind(Session& session, uint32_t link);
  void unbind(Session& session);
  void dropPendings(Session& session);
  bool refuses(const Session& session, const wire::Record& head) const;

  void owe(Session& session, const Segment& segment);
  void oweMissing(Session& session, const Segment& segment);
  Pending* makePending(Session& session, const Segment& segment);
  void popPending(Session& session);
  void answerCached(const Session& session, uint64_t operation, uint64_t sequence, uint32_t count);
  void answerKept(const Session& session, const Answered& to, const Run& run, uint32_t count);
  void readItem(const Answered& to, uint64_t hash, const uint8_t* key, uint32_t keyBytes);
  void prefetchFirst(const std::vector<ReadRef>& reads) const;
  void readAll(const Answered& to, const ReadRef* reads, uint32_t count, uint32_t readable);
  void readPending(const Session& session, Pending& pending);

  Settings settings_;
  SessionTable& sessions_;
  const mica::Store& store_;
  Packer& packer_;
  Replies& replies_;
  Counters& counters_;

  uint32_t pendingBytesMax_;
  PendingPool pool_;
  std::vector<Session*> bound_;                   // per link, the first of its sessions
  std::unordered_map<uint64_t, uint32_t> opens_;  // nonce to link
  std::vector<RecordView> records_;               // of the datagram in work
  std::vector<ReadRef> reads_;                    // of the same, all its reads in order
  uint32_t readNext_ = 0;                         // the first of them not dealt with
  std::vector<ReadRef> parked_;                   // scratch of readPending
};

}  // namespace machine

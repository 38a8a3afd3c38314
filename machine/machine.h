/**
 * The replicated state machine and its home side, in plain C++ over mica: no Node, no sockets, no
 * clock.
 *
 * It works on datagrams where they lie in a slab. Three jobs:
 *   home     takes REQUESTs of clients in the order of their link: serves reads, packs writes for
 * the order, remembers what is still to be answered (home.h, pending.h, replies.h); order    packs
 * records into datagram-sized entries of a ring: PROPOSE at a leader, FORWARD at a follower
 *            (packer.h);
 *   apply    executes committed entries: sessions, exactly once, the store, and the answers owed
 * here (applier.h, assembler.h, session_table.h, result_cache.h).
 * Beside them the state leaves as a snapshot and comes back from one (snapshot.h, restorer.h).
 *
 * One thread. Nothing that a client says is asserted; what a committed entry says was validated at
 * its home.
 */
#pragma once

#include <memory>
#include <string>

#include "machine/applier.h"
#include "machine/restorer.h"

namespace machine {

struct Settings {
  uint8_t* slab;
  uint64_t slabBytes;
  uint32_t datagramBytes;  // multiple of wire::DATAGRAM_ALIGN
  uint32_t replica;        // this replica's id
  uint32_t replyOffset;    // region of reply slots in the slab, datagramBytes each
  uint32_t replySlots;
  uint32_t linksMax;
  uint32_t sessionsMax;    // cluster-wide setting: decided at apply
  uint32_t sessionWindow;  // cluster-wide: unanswered writes a session may have (results are kept
                           // for them)
  uint64_t sessionMicros;  // cluster-wide: a session not touched for longer expires; 0: never
  uint64_t storeBytes;     // cluster-wide: limit of the store
  bool evict;              // cluster-wide: a full store evicts rather than refuses
  uint32_t rows;           // of packRows, replyRows and applyRows
  // Owned by the caller, as long as the machine lives.
  uint32_t* packRows;
  uint32_t* replyRows;
  uint32_t* applyRows;
  double* counters;
};

/** Words of a row of packRows {offset, bytes, length, operations} and replyRows {link, offset,
 * length, 0}. */
inline constexpr uint32_t ROW_WORDS = 4;

/** Of one part of a snapshot. */
inline constexpr uint32_t PART_BYTES_MIN = 4096;
inline constexpr uint32_t PART_BYTES_MAX = (16u << 20) - 1;

class Machine {
 public:
  /** Null when the settings are impossible or memory cannot be had: `error` says what to change. */
  static std::unique_ptr<Machine> create(const Settings& settings, std::string& error);

  /**
   * Of two links that a session comes over, the one with the higher age is where it is. 0: this one
   * is the youngest so far. With a sink, its answers go there, as long as it is open.
   */
  void linkOpen(uint32_t link, uint64_t age = 0, Sink* sink = nullptr);
  /** Forgets what was owed to it; frees its reply slots that were not handed out. */
  void linkClose(uint32_t link) { home_.linkClose(link); }
  /** A REQUEST datagram, next in its link's order. */
  Taken request(uint32_t offset, uint32_t link) { return home_.request(offset, link); }
  /**
   * Closes the open reply datagrams: rows in replyRows, at most `rows`; call again when it returns
   * that many. The body is written; HEADER and LINK are the caller's. A slot is lent until
   * replyFree.
   */
  uint32_t repliesClose();
  void replyFree(uint32_t offset) { replies_.free(offset); }

  /**
   * Entries are written from `offset` on, in at most `bytes`. forwardSequence 0: they become
   * PROPOSEs (at a leader). Else they become FORWARDs numbered from it, and every record is stamped
   * with its entry's number. `refusing`, at a leader only: writes that need room keep their places in
   * the order and nothing else, and are answered NO_SPACE.
   */
  void packBegin(uint32_t offset, uint32_t bytes, uint64_t forwardSequence, bool refusing = false);
  /**
   * At a leader that has ordered nothing for a while: packs a TICK, so that time passes, if there is
   * anything that time decides. Whether it did.
   */
  bool packTick();
  /** A FORWARD datagram, next in its link's order: its records, origin and number kept. */
  Taken forwarded(uint32_t offset) { return home_.forwarded(offset); }
  /** Ends the span; returns how many rows packRows has. `bytes` is datagramBytes when full, else
   * cut to 64. */
  uint32_t packEnd() { return packer_.end(); }

  /** Committed entries in order: offsets of PROPOSE datagrams in applyRows[0, count). */
  void apply(uint32_t count);
  uint64_t applied() const { return applier_.applied(); }
  /** Highest forward sequence of this replica among records applied or skipped. */
  uint64_t forwardApplied() const { return applier_.forwardApplied(); }

  /** Fixes a snapshot at applied(). False when one is in progress. Work goes on beside it. */
  bool snapshotBegin();
  /**
   * Writes the next part of its stream into slab[offset, offset + bytes), and little more than that
   * much is done. Returns the bytes written: fewer than `bytes` at times, 0 at the end.
   */
  uint32_t snapshotNext(uint32_t offset, uint32_t bytes);
  /** Ends or abandons it. */
  void snapshotEnd() { snapshot_.end(); }

  /**
   * Forgets everything, and waits for a snapshot. All links are closed; until restoreEnd is true, or
   * reset is called, none is opened and nothing is applied.
   */
  void restoreBegin();
  /** The next part of the stream. False when it is refused: begin again, or reset. */
  bool restorePart(uint32_t offset, uint32_t bytes);
  /** Whether the state is whole: then applied() is the snapshot's counter. */
  bool restoreEnd();
  /** Back to nothing applied. All links are closed. */
  void reset();

  uint64_t digest() const { return store_->digest(); }
  /** Of the sessions and of the clockwork that items go by: what time alone changes, too. */
  uint64_t sessionsDigest() const;
  const mica::Store& store() const { return *store_; }

 private:
  Machine(const Settings& settings, std::unique_ptr<mica::Store> store);
  void refreshGauges();
  void clear();

  Settings settings_;
  std::unique_ptr<mica::Store> store_;
  Counters counters_;
  SessionTable sessions_;
  Packer packer_;
  Replies replies_;
  Home home_;
  Keeping keeping_;
  Items items_;
  Assembler assembler_;
  Snapshot snapshot_;
  Applier applier_;
  Restorer restorer_;
  uint32_t applyCalls_ = 0;
};

}  // namespace machine

/**
 * Executes the commands of all connections of a replica, in its own thread and turn: one link of its state machine.
 *
 * A read of a connection that waits for nothing is answered from the store at once. All else goes through the order,
 * in a session that the connection borrows, so that its commands take effect in their order, each once. Answers come
 * back from the machine as they come about (machine::Sink), without a datagram between.
 *
 * Called by whoever has the sockets (server.h). Files: front.cc (turns, answers), front_send.cc (requests, the link),
 * front_sessions.cc (sessions, timeouts), front_answer.cc (what is answered here).
 */
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "front/client.h"
#include "front/counts.h"
#include "front/translate.h"
#include "machine/codec.h"
#include "machine/machine.h"

namespace front {

struct FrontSettings {
  uint8_t* slab;
  uint32_t slotOffset;  // of one datagram in the slab: requests are built there
  uint32_t datagramBytes;
  uint32_t link;           // of the machine, nobody else's
  uint32_t sessionWindow;  // as the machine's
  uint64_t sessionMillis;  // a session is kept alive within it; 0: it does not end
  uint64_t waitMillis;     // a command that is not answered for so long failed
  bool tellsReads;         // `cache`: one read in eight is told to the order
};

/** What the replica says of itself, for `stats`: lines of a name, a blank and a value. */
struct Told {
  std::string general;
  std::string settings;
  std::string replication;
};

class Front final : private machine::Sink {
 public:
  Front(machine::Machine& machine, const FrontSettings& settings);
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  /** There is something new for the connection: bytes, or room for output. */
  void activate(Client& client);
  /**
   * One turn, while the machine packs if `open`. `serving`: reads may be answered, requests are taken. Connections with
   * output, or that may be over, are in `touched` then.
   */
  void turn(bool serving, bool open, uint64_t nowMillis);
  /** Behind what was applied in this turn: what became answerable is answered. */
  void endTurn();
  /** Whether there is something to do that no datagram and no client will tell of. */
  bool busy() const { return !active_.empty() && !stalled_; }

  /**
   * The machine is about to forget its links: what is unanswered is sent again when it serves again. Also before the
   * front goes, if the machine is still there.
   */
  void dismiss();
  /** Before a connection goes. It has nothing under way, or nobody waits for it any more. */
  void forget(Client& client);

  /** Statistics are wanted: say what `told` is to be, then activate. */
  bool wantsTold() const { return wantsTold_; }
  void tell(Told told);

  std::vector<Client*>& touched() { return touched_; }
  Counts counts;
  /** Connections now, and how many there may be. */
  uint64_t connections = 0;
  uint64_t connectionsMax = 0;

 private:
  // Sink
  void run(const machine::Answered& to, uint32_t status, uint32_t count, uint64_t version) override;
  void value(const machine::Answered& to, uint64_t version, const wire::ItemHead* head, const uint8_t* value,
             uint32_t valueBytes) override;

  // front.cc
  void pumpActive();
  void pump(Client& client);
  void takeAll(Client& client);
  bool settle(Session& session, uint64_t operation);
  void answered(Session& session, uint32_t status, uint64_t version);
  void answer(Client& client, const memcached::Command& command, const memcached::Outcome& outcome);
  void finish(Client& client, const memcached::Outcome& outcome);
  void touch(Client& client);

  // front_answer.cc
  bool answerHere(Client& client, const memcached::Command& command);
  bool answerRead(Client& client, const memcached::Command& command);
  bool readAgain(Client& client);
  bool mayWin(const Client& client, const memcached::Command& command) const;
  void describe(Client& client, const memcached::Command& command);
  uint32_t expiryOf(const memcached::Command& command) const;
  bool statistics(Client& client, const memcached::Command& command);
  void generalStatistics(memcached::Connection& connection);
  void count(const memcached::Command& command, const memcached::Outcome& outcome);
  void countRead(const memcached::Command& command, bool hit);
  void countArithmetic(const memcached::Command& command, memcached::Status status);
  void tellRead(uint64_t hash);

  // front_send.cc
  void send(Client& client);
  bool sendOne(Session& session, Waiting& waiting);
  bool sendWide(Session& session, Waiting& waiting, machine::OperationColumns& columns);
  bool sendErrand(Session& session);
  bool encode(Session& session, const machine::OperationColumns& columns, machine::Encoding& encoding);
  void openRecord(Session& session);
  void closeRecord();
  void noteSent(Session& session, const machine::Encoding& encoding);
  bool submit();
  bool hasRoom(uint32_t bytes) const { return used_ + sizeof(wire::Record) + bytes <= limit(); }
  uint32_t limit() const { return settings_.datagramBytes - wire::TAG_BYTES; }
  /** Bytes of operations that a record alone in a datagram may have. */
  uint32_t operationsMax() const { return limit() - wire::BODY_OFFSET - sizeof(wire::Record); }

  // front_sessions.cc
  void serve();
  void openSessions();
  void opened(uint64_t nonce, uint32_t status, uint64_t id);
  bool borrow(Client& client);
  void giveBack(Client& client);
  void handOn(Session* session);
  void startErrand(Session* session, Errand errand);
  void endErrand(Session& session, uint32_t status);
  void abandon(Client& client, std::string_view sentence);
  void abandonEnded();
  void lookAfter();
  void sendErrands();

  machine::Machine& machine_;
  FrontSettings settings_;
  Sessions sessions_;
  std::deque<Client*> queue_;  // for a session
  std::vector<uint64_t> opening_;  // nonces on their way
  std::vector<Session*> errands_;  // to be sent
  std::vector<Session*> ended_;    // that have connections still
  std::vector<Client*> active_;
  std::vector<Client*> working_;  // those of this turn
  std::vector<Client*> touched_;
  std::vector<Client*> waiters_;  // with commands that wait
  std::vector<uint64_t> reads_;   // hashes to tell of
  std::vector<uint8_t> telling_;  // those that a USED brings
  Told told_;
  uint64_t nonce_;
  uint64_t nowMillis_ = 0;
  uint64_t lookMillis_ = 0;
  uint64_t openMillis_ = 0;
  uint64_t refusedMillis_ = 0;  // when an OPEN was
  uint64_t toldMillis_ = 0;
  uint64_t readCount_ = 0;
  size_t closing_ = 0;  // sessions that are being closed

  // The REQUEST in work.
  uint32_t used_ = wire::BODY_OFFSET;
  uint32_t recordAt_ = 0;  // 0: none is open
  wire::Record record_{};
  uint32_t operations_ = 0;  // of the datagram

  bool linked_ = false;
  bool serving_ = false;
  bool open_ = false;
  bool stalled_ = false;
  bool wantsTold_ = false;
  bool hasTold_ = false;
};

}  // namespace front

/**
 * Builds the replicated state from the stream of a snapshot (snapshot_format.h).
 *
 * Nothing that a stream says is trusted: what is malformed, or does not add up, is refused, and what
 * came of it is thrown away by starting over.
 */
#pragma once

#include <vector>

#include "machine/assembler.h"
#include "machine/session_table.h"
#include "machine/snapshot_format.h"

namespace machine {

class Restorer {
 public:
  Restorer(const snapshot::Limits& limits, SessionTable& sessions, mica::Store& store,
           Assembler& assembler, Keeping& keeping)
      : limits_(limits),
        sessions_(sessions),
        store_(store),
        assembler_(assembler),
        keeping_(keeping) {}

  /** Between begin and a successful end, or abandon. */
  bool active() const { return phase_ != Phase::none; }
  /** Sessions and store are empty. */
  void begin();
  /** The next bytes of the stream. False, from then on: it is refused. */
  bool part(const uint8_t* at, size_t bytes);
  /** Whether the stream came whole and the state is the one it was taken of. */
  bool end();
  void abandon();

  /** Of the state, once the stream has begun. */
  uint64_t counter() const { return counter_; }
  const SessionClock& clock() const { return clock_; }

 private:
  enum class Phase : uint8_t { none, begin, body, complete, refused };

  bool take(const uint8_t* at, size_t bytes);
  void fetch(const uint8_t* at, size_t bytes) const;
  bool fill(const uint8_t*& at, size_t& bytes);
  uint64_t pieceBytes(const uint8_t* at) const;
  bool piece(const uint8_t* at);
  bool takeBegin(const uint8_t* at);
  bool takeItem(const uint8_t* at);
  bool takeSession(const uint8_t* at, uint32_t bytes);
  bool takeEnd(const uint8_t* at);

  snapshot::Limits limits_;
  SessionTable& sessions_;
  mica::Store& store_;
  Assembler& assembler_;
  Keeping& keeping_;

  Phase phase_ = Phase::none;
  uint64_t counter_ = 0;
  SessionClock clock_;
  mica::Clockwork clockwork_;
  std::vector<uint8_t> carry_;  // a piece of which more is to come
};

}  // namespace machine

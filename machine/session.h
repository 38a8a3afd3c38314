/**
 * A session: the replicated part, equal on every replica that applied the same log, and the home
 * part, of the replica that its client talks to.
 */
#pragma once

#include <vector>

#include "machine/kept_answers.h"
#include "machine/pending.h"
#include "machine/result_cache.h"

namespace machine {

inline constexpr uint32_t LINK_NONE = UINT32_MAX;

/** A wide operation being put together from fragments. */
struct Assembly {
  uint32_t total = 0;  // 0: none
  uint32_t received = 0;
  uint32_t refusal = 0;  // status that its other fragments get: they are not kept
  std::unique_ptr<uint8_t[]> bytes;
};

/** Replicated: what a snapshot holds of a session. */
struct SessionState {
  uint64_t id = 0;
  uint64_t applied = 0;      // sequence of the last write applied
  uint64_t answered = 1;     // sequences before it are answered: the client said so
  uint64_t lastTouched = 0;  // by the session clock
  ResultCache results;
  KeptAnswers kept;  // of the results that have answers of their own
  Assembly assembly;
};

struct Session {
  SessionState state;

  // Home. Pendings are in the order of the session's operations.
  uint32_t link = LINK_NONE;
  uint32_t pendingBytes = 0;
  uint32_t snapshot = 0;  // the last one that has this session
  Pending* first = nullptr;
  Pending* last = nullptr;
  Session* linkPrevious = nullptr;
  Session* linkNext = nullptr;

  // Of the list from the session touched longest ago to the one touched last.
  Session* touchedPrevious = nullptr;
  Session* touchedNext = nullptr;
};

/** Appends the replicated part as bytes: equal states give equal bytes. */
void serialize(const SessionState& state, std::vector<uint8_t>& bytes);

/**
 * What serialize wrote, back into a new state. False when no session under that window is like this;
 * the memory of its assembly is not counted yet.
 */
bool parse(const uint8_t* at, size_t bytes, uint32_t sessionWindow, SessionState& state);

}  // namespace machine

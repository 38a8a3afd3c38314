/**
 * A session: the replicated part, equal on every replica that applied the same log, and the home
 * part, of the replica that its client talks to.
 */
#pragma once

#include <vector>

#include "machine/pending.h"
#include "machine/result_cache.h"

namespace machine {

inline constexpr uint32_t LINK_NONE = UINT32_MAX;

/** A wide operation being put together from fragments. */
struct Assembly {
  uint32_t total = 0;  // 0: none
  uint32_t received = 0;
  bool refused = false;  // for want of room; its fragments are counted, not kept
  std::unique_ptr<uint8_t[]> bytes;
};

/** Replicated: what a snapshot holds of a session. */
struct SessionState {
  uint64_t id = 0;
  uint64_t applied = 0;      // sequence of the last write applied
  uint64_t answered = 1;     // sequences before it are answered: the client said so
  uint64_t lastTouched = 0;  // log time, microseconds
  ResultCache results;
  Assembly assembly;
};

struct Session {
  SessionState state;

  // Home. Pendings are in the order of the session's operations.
  uint32_t link = LINK_NONE;
  uint32_t pendingBytes = 0;
  Pending* first = nullptr;
  Pending* last = nullptr;
  Session* linkPrevious = nullptr;
  Session* linkNext = nullptr;
};

/** Appends the replicated part as bytes: equal states give equal bytes. */
void serialize(const SessionState& state, std::vector<uint8_t>& bytes);

}  // namespace machine

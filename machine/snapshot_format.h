/**
 * A snapshot: the replicated state at one counter of the log, as a stream of bytes, little endian.
 *
 *   BEGIN                what the state is of, and the limits under which it came about
 *   ITEM, SESSION, SKIP  in any order; of an item that comes again the first counts
 *   END                  what the whole must add up to
 *
 * Pieces are not aligned. The stream may be cut anywhere: whoever reads it takes its parts in order.
 */
#pragma once

#include <cstdint>
#include <type_traits>

#include "machine/operations.h"
#include "machine/result_cache.h"
#include "machine/kept_answers.h"
#include "machine/session_clock.h"
#include "mica/store.h"

namespace machine::snapshot {

inline constexpr uint64_t MAGIC = 0x70616e73766b627a;  // "zbkvsnap" in the stream
inline constexpr uint32_t VERSION = 2;

namespace piece {
inline constexpr uint8_t BEGIN = 1, ITEM = 2, SESSION = 3, SKIP = 4, END = 5;
}

/** Starts every piece. */
struct Head {
  uint8_t kind;
  uint8_t keyBytes;  // ITEM
  uint16_t state;    // ITEM: mica::state
  uint32_t bytes;    // of what follows; ITEM: of the value
};
static_assert(sizeof(Head) == 8);

/** Limits by which every replica decides at apply: a state is of use only under its own. */
struct Limits {
  uint64_t storeBytes;
  uint64_t sessionMicros;
  uint32_t sessionsMax;
  uint32_t sessionWindow;
  uint64_t evicts;  // 1: the store evicts

  bool operator==(const Limits&) const = default;
};

struct Begin {
  Head head;
  uint64_t magic;
  uint32_t version;
  uint32_t reserved;
  uint64_t counter;
  Limits limits;
  SessionClock clock;
  mica::Clockwork clockwork;
  uint64_t check;  // hash of what is before it
};
static_assert(sizeof(Begin) == 96 + sizeof(mica::Clockwork));
static_assert(std::has_unique_object_representations_v<Begin>, "no implicit padding");

/** The key follows, and the value, and with mica::state::CAS the cas. */
struct Item {
  Head head;
  uint64_t version;
  uint32_t flags;
  uint32_t expiry;
};
static_assert(sizeof(Item) == 24);

struct End {
  Head head;
  uint64_t items;
  uint64_t digest;
  uint64_t sessions;
  uint64_t sessionsDigest;
};
static_assert(sizeof(End) == 40);

/** Results a session keeps, at most: Limits::sessionWindow of them. */
inline uint64_t sessionBytesMax(const Limits& limits) {
  constexpr uint64_t FIXED_BYTES = 52;  // of serialize(): numbers of the session and its assembly
  return FIXED_BYTES + uint64_t{limits.sessionWindow} * sizeof(Run) + KEPT_BYTES_MAX + WIDE_BYTES_MAX;
}

}  // namespace machine::snapshot

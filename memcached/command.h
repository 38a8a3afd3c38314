/**
 * What a client asks for (Command) and what came of it (Outcome): the whole contract between the protocols, which this
 * room knows, and the execution, which it does not. connection.h gives commands out and takes outcomes, in order.
 */
#pragma once

#include <cstdint>
#include <string_view>

#include "memcached/limits.h"

namespace memcached {

/**
 * What to do. Each line: which commands, what is done, which statuses may be answered. `failed` may always be.
 *
 * An item has: key, value, client flags (u32), expiry, cas (changed by every write), and for the meta commands
 * stale, won (somebody was told to recache), binary key, fetched, time of last access.
 * "There" means stored, not expired, not flushed.
 */
enum class Verb : uint8_t {
  /**
   * get, gets, gat, gats, touch, mg and their binary kin. ok: it is there (or was vivified); notFound.
   * In this order: if not there and `vivifies`, an empty item is made (flags 0, vivifyExptime), and it has won. Else,
   * `touches` sets its expiry. With `recaches`, an item that has an expiry before recacheExptime, not already won and
   * not vivified, is won now; the expiry compared is the former one if `recachesFirst`. With `wins` (mg, not get), a
   * stale item that is not already won is won now. Outcome.won is won by this command; Outcome.wonBefore by another.
   * Winning must be seen by all: for a replicated store such a read is a write. `bumps` marks it as fetched.
   */
  read,
  /** A write of `mode`: see Mode. ok: stored, with its new cas; notStored, exists, notFound, noMemory. */
  write,
  /**
   * delete, md. ok; notFound; exists: hasCas, and not the item's. With `invalidates` the item stays: it is stale, is
   * not won any more, has a new cas, and the new expiry if `touches`.
   */
  remove,
  /**
   * incr, decr, ma. ok, with `number` and cas; notFound; exists: hasCas and compareCas is not zero and not the item's;
   * nonNumeric: numbers.h cannot read it, or it is empty. An increase wraps at 64 bits, a decrease stops at 0. A
   * number shorter than the value it replaces is padded with spaces to its length; a longer one makes a value of its
   * own length. If it is there, `touches` sets its expiry. If not there and `vivifies`: `initial` is stored (flags 0,
   * vivifyExptime), ok, `created`.
   */
  arithmetic,
  /** flush_all: what was stored before now (exptime <= 0), or before the time exptime says, is there no more. ok. */
  flush,
  /**
   * stats. key: the first word, or nothing; value: the rest. Names and values through Connection::statistic, then ok;
   * done, if it has nothing to tell ("detail on"); reset; notFound: no such statistics.
   */
  statistics,
  /** me. ok, with what Outcome has of it; notFound. Does not count as an access. */
  describe,
  /** Never given out: a reply that waits for its turn. */
  say,
};

/** How a write stores. Statuses in the order in which they are decided. */
enum class Mode : uint8_t {
  /** Always. ok. */
  set,
  /** Only if it is not there: notStored. */
  add,
  /** Only if it is there: notStored. */
  replace,
  /** Behind, before the value that is there, which keeps its flags and expiry. Not there, or larger than fits:
   * notStored. There, hasCas, compareCas is neither zero nor the item's: exists. Nothing of the meta state is kept. */
  append,
  prepend,
  /** Not there: notFound. Its cas is compareCas: ok. `invalidates`, and compareCas is not zero but smaller: ok, it is
   * stale, keeps the former expiry, and stays won if it was. Else exists. */
  cas,
};

enum class Dialect : uint8_t { text, meta, binary };

/**
 * Bytes lie in the connection's input and stay there until the command is answered.
 *
 * Times are as memcached has them: 0 never, up to 30 days from now, then since 1970; negative: over at once. Text
 * sends 32 bits with a sign, binary 32 bits without. expiry.h turns them into a moment.
 */
struct Command {
  std::string_view key;
  std::string_view value;

  int64_t exptime = 0;
  int64_t vivifyExptime = 0;
  int64_t recacheExptime = 0;
  uint64_t compareCas = 0;
  uint64_t newCas = 0; // with hasNewCas: the cas that the item gets
  uint64_t delta = 0;
  uint64_t initial = 0;
  uint32_t clientFlags = 0;

  Verb verb = Verb::say;
  Mode mode = Mode::set;
  bool hasCas = false;
  bool hasNewCas = false;
  bool touches = false;
  bool vivifies = false;
  bool recaches = false;
  bool recachesFirst = false;
  bool wins = false;
  bool decreases = false;
  bool invalidates = false;
  bool wantsValue = false;
  bool bumps = true;
  bool keyBinary = false; // the client sent it in base64: kept with a meta set, see Outcome

  // From here what the reply needs: an executor leaves it alone.
  Dialect dialect = Dialect::text;
  bool noreply = false;     // text: say nothing. binary: a quiet command
  bool quiet = false;       // meta q: say nothing if it is as expected
  bool withCas = false;     // gets, gats
  bool withKey = false;     // binary getk and kin
  bool touchOnly = false;   // touch: TOUCHED rather than a value
  bool endsList = false;    // the last key of a get: END
  bool refused = false;     // whatever came of it, the reply is `said`
  uint8_t opcode = 0;       // binary
  uint8_t returnCount = 0;
  uint16_t saidStatus = 0;  // binary
  uint32_t opaque = 0;      // binary, in the order of the network
  char returns[META_RETURNS_MAX] = {}; // meta flags, in their order
  std::string_view token;   // meta: the word of O
  std::string_view said;    // text: the line without its end; binary: the body
};

enum class Status : uint8_t {
  ok,
  done,
  reset,
  notFound,
  notStored,
  exists,
  nonNumeric,
  noMemory,
  /** It could not be done, or nobody knows whether it was; `value` is a sentence that says why. */
  failed,
};

/** `value` is copied before Connection::answer returns. What a status does not need is left as it is. */
struct Outcome {
  Status status = Status::ok;
  bool won = false;
  bool wonBefore = false;
  bool stale = false;
  bool created = false;
  bool fetchedBefore = false; // h: fetched before this command
  /** The item was stored by a meta set with a key in base64. A store that does not keep it answers what the command
   * says; then the key returned looks as it was sent. */
  bool keyBinary = false;
  uint32_t clientFlags = 0;
  uint64_t cas = 0;
  uint64_t number = 0;
  /** Seconds left, 0 if it is over at once, -1 without end: after this command, and before (of what was vivified:
   * -1). */
  int64_t ttl = -1;
  int64_t ttlBefore = -1;
  uint32_t idleSeconds = 0; // l, la: since the last access
  uint32_t slabClass = 0;   // me
  uint64_t itemBytes = 0;   // me
  std::string_view value = {};
};

}  // namespace memcached

/**
 * The item operations: what memcached's commands do, executed in the order, alike at every replica.
 *
 * Which command becomes which operation. "+ X" are bits of wire::option; what is not named is zero.
 * All prefixes begin with wire::Item {flags, exptime, options, vivify}; all but STORE's go on with
 * wire::ItemCas {ifCas, newCas}, and ARITH's with wire::Delta {delta, initial}. exptime is the
 * number that the client said, not resolved.
 *
 *   get, gets            GET_ITEM (a read)        VALUE or NOT_FOUND
 *   set                  STORE SET                OK, FULL, TOO_LARGE (binary set with cas: as cas)
 *   add                  STORE ADD                OK, EXISTS = NOT_STORED
 *   replace              STORE REPLACE            OK, NOT_FOUND = NOT_STORED
 *   append, prepend      STORE APPEND, PREPEND    OK, NOT_FOUND = NOT_STORED, TOO_LARGE
 *                        (binary with cas: STORE_IF + IF_CAS, VERSION_MISMATCH = EXISTS)
 *   cas                  STORE_IF SET + IF_CAS    OK, VERSION_MISMATCH = EXISTS, NOT_FOUND
 *   incr, decr           ARITH INCREMENT or DECREMENT   VALUE: the number; NOT_FOUND; NOT_NUMBER
 *                        (binary: + VIVIFY, initial, vivify = expiration unless 0xffffffff; cas: + IF_CAS)
 *   touch                FETCH + TTL              VALUE: a head alone = TOUCHED; NOT_FOUND
 *   gat, gats            FETCH + TTL + VALUE      VALUE; NOT_FOUND; FULL: answers kept take too much
 *   delete               DROP                     OK, NOT_FOUND (binary with cas: + IF_CAS)
 *   flush_all [when]     FLUSH, exptime = when    OK; it happens a second before that, as in memcached
 *   mn, verbosity, ...   none
 *
 *   mg without N R T     GET_ITEM; then, if the answer has STALE and not SENT, FETCH + META (+ VALUE)
 *                        takes the token: the answer of that one counts
 *   mg with N R T        FETCH + META, with N: + VIVIFY, vivify; with R: + RECACHE, flags = seconds;
 *                        with T: + TTL, exptime; with v: + VALUE; with E: + NEW_CAS
 *                        VALUE or NOT_FOUND = EN. W: state WON. Z: SENT. X: STALE. h: FETCHED.
 *                        R is judged by the time left before T changes it; flags = RECACHE_ALWAYS: it wins.
 *   ms                   STORE by mode (S SET, E ADD, R REPLACE, A APPEND, P PREPEND), or STORE_IF
 *                        with C: + IF_CAS; with E: + NEW_CAS; with I and C: + STALE; F flags,
 *                        T exptime; A and P with N: + VIVIFY, vivify (and F for the new item)
 *                        OK = HD; EXISTS, NOT_FOUND = NS (NF when C was given); VERSION_MISMATCH = EX
 *   md                   DROP, with C: + IF_CAS; with I: + STALE (with T: + TTL; with E: + NEW_CAS)
 *                        OK = HD; NOT_FOUND = NF; VERSION_MISMATCH = EX
 *   ma                   ARITH by mode, D delta, with N: + VIVIFY, vivify, J initial; with T: + TTL;
 *                        with C: + IF_CAS; with E: + NEW_CAS. VALUE = HD or VA; NOT_FOUND = NF;
 *                        VERSION_MISMATCH = EX; NOT_NUMBER
 *   what was read        USED: the value is hashes (mica::hashKey) of keys that were read, 8 bytes each;
 *                        tells `cache` what to keep, and sets FETCHED. OK. Any share of the reads will do.
 *
 * Answers. VALUE: a value of wire::ItemHead {cas, flags, expiry, state, now}, then for GET_ITEM and
 * FETCH + VALUE the item's bytes, and for ARITH the new number in 8 bytes, little endian (printed in
 * decimal it is what memcached says). The time left is expiry - now; expiry 0 is never. Others are a
 * status; the version beside OK is the new item's cas unless NEW_CAS chose it, and beside a
 * refusal that of the item now there. FULL, TOO_LARGE, NO_SPACE, BAD_REQUEST change nothing.
 *
 * An item's cas is the counter of the operation that wrote its value, or what NEW_CAS said. FETCH and
 * DROP + STALE keep the value: FETCH keeps the cas too.
 *
 * Upholds: what is decided depends on the log alone: time is the log's, in whole seconds
 * (mica::Store::now), and never a clock of this machine.
 */
#pragma once

#include <vector>

#include "machine/executed.h"
#include "machine/kept_answers.h"
#include "machine/operations.h"
#include "machine/result_cache.h"

namespace machine {

/** An item operation where it lies: in an entry, or put together from fragments. */
struct ItemOperation {
  uint8_t kind;
  const uint8_t* prefix;
  const uint8_t* key;
  uint32_t keyBytes;
  const uint8_t* value;
  uint32_t valueBytes;
  uint64_t hash;
  uint64_t version;
};

/** Until when an item lives that is written now: seconds since 1970, 0 for ever, not above now: gone. */
uint32_t expiryOf(int32_t exptime, uint32_t now);

/** What an answer tells of an item. */
wire::ItemHead headOf(const mica::Inspected& item, uint32_t now);

class Items {
 public:
  Items(mica::Store& store, const Keeping& keeping) : store_(store), keeping_(keeping) {}

  /** A status of OK_WITH_ANSWER: the answer is `answer`, until the next call. */
  Executed execute(const ItemOperation& operation);
  const std::vector<uint8_t>& answer() const { return answer_; }

 private:
  bool inspect(const ItemOperation& operation, mica::Inspected& item) const {
    return store_.inspect(operation.hash, operation.key, operation.keyBytes, item);
  }
  Executed store(const ItemOperation& operation);
  Executed extend(const ItemOperation& operation, bool there, const mica::Inspected& old);
  Executed write(const ItemOperation& operation, const uint8_t* value, uint32_t valueBytes,
                 mica::Attributes attributes);
  Executed fetch(const ItemOperation& operation);
  Executed fetchMissing(const ItemOperation& operation);
  Executed arith(const ItemOperation& operation);
  Executed arithMissing(const ItemOperation& operation);
  Executed drop(const ItemOperation& operation);
  Executed flush(const ItemOperation& operation);
  Executed used(const ItemOperation& operation);
  Executed answerNumber(const ItemOperation& operation, uint64_t number, uint32_t expiry, uint32_t more);
  void begin(const wire::ItemHead& head);
  void add(const void* from, size_t bytes);

  mica::Store& store_;
  const Keeping& keeping_;
  std::vector<uint8_t> answer_;
  std::vector<uint8_t> scratch_;  // a value being made of another
};

}  // namespace machine

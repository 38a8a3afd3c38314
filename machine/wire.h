// The wire, for C++: the same layouts as src/zab/wire.ts, little endian. docs/wire.md draws the tables.
//
// The structs describe bytes in a slab. They are copied with memcpy or read through aligned pointers (every
// datagram starts at a multiple of four, wide fields may lie at a multiple of four only, so u64 fields are
// read with load64).
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace wire {

struct Header {
  uint16_t magic;
  uint8_t version;
  uint8_t kind;
  uint32_t checksum;
  uint32_t cluster;
  uint32_t length;
  uint16_t sender;
  uint16_t flags;
  uint32_t incarnation;
  uint32_t epoch;
  uint32_t count;
  uint64_t counter;
  uint64_t committed;
};
static_assert(sizeof(Header) == 48);
static_assert(std::has_unique_object_representations_v<Header>, "no implicit padding");

struct Propose {
  uint64_t time;
  uint32_t previous;
  uint32_t epoch;
};
static_assert(sizeof(Propose) == 16);

struct Epochs {
  uint32_t accepted;
  uint32_t current;
  uint32_t last;
  uint32_t mode;
  uint32_t receiver;
  uint32_t join;
};
static_assert(sizeof(Epochs) == 24);

struct Link {
  uint32_t link;
  uint32_t credits;
  uint32_t sackLow;
  uint32_t sackHigh;
};
static_assert(sizeof(Link) == 16);

struct Record {
  uint32_t bytes;
  uint16_t count;
  uint8_t origin;
  uint8_t flags;
  uint64_t session;
  uint64_t sequence;
  uint64_t operation;
  uint32_t writes;
  uint32_t unanswered;
};
static_assert(sizeof(Record) == 40);
static_assert(std::has_unique_object_representations_v<Record>, "no implicit padding");

struct Operation {
  uint8_t kind;
  uint8_t keyBytes;
  uint16_t valueBytes;
};
static_assert(sizeof(Operation) == 4);

struct Fragment {
  uint32_t total;
  uint32_t offset;
};
static_assert(sizeof(Fragment) == 8);

struct Wide {
  uint8_t kind;
  uint8_t keyBytes;
  uint16_t reserved;
  uint32_t valueBytes;
  uint64_t version;
};
static_assert(sizeof(Wide) == 16);

/** Follows Operation, or Wide, in the item operations: STORE has this, the others ItemCas too. */
struct Item {
  uint32_t flags;     // of the client; FETCH: seconds of RECACHE
  int32_t exptime;    // as memcached's: resolved at apply
  uint32_t options;   // option::*
  int32_t vivify;     // exptime of an item that VIVIFY makes
};
static_assert(sizeof(Item) == 16);

struct ItemCas {
  uint64_t ifCas;   // with IF_CAS
  uint64_t newCas;  // with NEW_CAS
};
static_assert(sizeof(ItemCas) == 16);

/** Follows ItemCas in ARITH. */
struct Delta {
  uint64_t delta;
  uint64_t initial;  // with VIVIFY
};
static_assert(sizeof(Delta) == 16);

struct Flush {
  int32_t exptime;
  uint32_t reserved;
};
static_assert(sizeof(Flush) == 8);

/** Starts the value of an answer to GET_ITEM, FETCH and ARITH. */
struct ItemHead {
  uint64_t cas;
  uint32_t flags;
  uint32_t expiry;  // seconds since 1970, 0: never
  uint32_t state;   // state::*
  uint32_t now;     // the log's time, seconds since 1970, by which this was decided
};
static_assert(sizeof(ItemHead) == 24);
static_assert(std::has_unique_object_representations_v<ItemHead>, "no implicit padding");

struct ReplyRecord {
  uint32_t bytes;
  uint16_t count;
  uint16_t flags;
  uint64_t session;
  uint64_t operation;
};
static_assert(sizeof(ReplyRecord) == 24);

struct Result {
  uint8_t tag;
  uint8_t status;
  uint16_t flags;
  uint32_t bytes;
  uint64_t version;
};
static_assert(sizeof(Result) == 16);

struct Part {
  uint32_t offset;
  uint32_t bytes;
};
static_assert(sizeof(Part) == 8);

inline constexpr uint16_t MAGIC = 0x6b7a;
inline constexpr uint8_t VERSION = 3;
inline constexpr uint16_t SENDER_CLIENT = 0xffff;
inline constexpr uint8_t ORIGIN_CLIENT = 0xff;
inline constexpr uint32_t TAG_BYTES = 16;
inline constexpr uint32_t BODY_OFFSET = sizeof(Header) + sizeof(Link);
inline constexpr uint32_t OVERHEAD_BYTES = BODY_OFFSET + TAG_BYTES;
static_assert(sizeof(Propose) == sizeof(Link), "what fits a REQUEST fits a PROPOSE");

inline constexpr uint32_t KEY_BYTES_MAX = 250;
inline constexpr uint32_t VALUE_BYTES_MAX = 1u << 20;
inline constexpr uint32_t DATAGRAM_BYTES_MIN = 960;
inline constexpr uint32_t DATAGRAM_BYTES_MAX = 65472;
inline constexpr uint32_t DATAGRAM_ALIGN = 64;
inline constexpr uint32_t DATAGRAM_OPERATIONS_MAX = 8192;
inline constexpr uint64_t COUNTER_MAX = (uint64_t{1} << 53) - 1;

namespace kind {
inline constexpr uint8_t PROPOSE = 1, ACK = 2, COMMIT = 3, NACK = 4, HEARTBEAT = 5;
inline constexpr uint8_t HELLO = 32, WELCOME = 33, REFUSED = 34, REQUEST = 35, REPLY = 36, FORWARD = 37;
inline constexpr uint8_t LINK_ACK = 38, BYE = 39;
}  // namespace kind

namespace op {
inline constexpr uint8_t SET = 1, CREATE = 2, SET_IF = 3, DELETE = 4, DELETE_IF = 5, SYNC = 6, OPEN = 7;
inline constexpr uint8_t CLOSE = 8, FRAGMENT = 9, TOUCH = 10, REFUSED = 11, STORE = 12, STORE_IF = 13;
inline constexpr uint8_t FETCH = 14, ARITH = 15, DROP = 16, FLUSH = 17, USED = 18, TICK = 19;
inline constexpr uint8_t GET = 64, GET_ITEM = 65, READ_BIT = 64;
}  // namespace op

namespace status {
inline constexpr uint8_t OK = 0, NOT_FOUND = 1, EXISTS = 2, VERSION_MISMATCH = 3, FULL = 4;
inline constexpr uint8_t SESSION_EXPIRED = 5, SESSIONS_FULL = 6, OVERTAKEN = 7, BAD_REQUEST = 8;
inline constexpr uint8_t NO_SPACE = 9, NOT_NUMBER = 10, TOO_LARGE = 11;
inline constexpr uint8_t MAX = TOO_LARGE;
}  // namespace status

/** Of Item::options. */
namespace option {
inline constexpr uint32_t SET = 0, ADD = 1, REPLACE = 2, APPEND = 3, PREPEND = 4;  // STORE
inline constexpr uint32_t INCREMENT = 0, DECREMENT = 1;                            // ARITH
inline constexpr uint32_t MODE_MASK = 7;
inline constexpr uint32_t IF_CAS = 1u << 8, NEW_CAS = 1u << 9, TTL = 1u << 10, VIVIFY = 1u << 11;
inline constexpr uint32_t RECACHE = 1u << 12, STALE = 1u << 13, VALUE = 1u << 14, META = 1u << 15;
inline constexpr uint32_t ALL = MODE_MASK | 0xff00;
}  // namespace option

/** Item::flags of a FETCH with RECACHE that wins whatever the time that the item has. */
inline constexpr uint32_t RECACHE_ALWAYS = UINT32_MAX;

/** Of ItemHead::state. The first four are kept with the item. */
namespace state {
inline constexpr uint32_t STALE = 1, SENT = 2, FETCHED = 4, CAS = 8;
inline constexpr uint32_t WON = 256, CREATED = 512;  // of the answer only
}  // namespace state

namespace tag {
inline constexpr uint8_t RUN = 1, VALUE = 2, STATUS = 3, PART = 4;
}  // namespace tag

template <typename T>
inline T load(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
inline void store(uint8_t* to, const T& value) {
  std::memcpy(to, &value, sizeof(T));
}

inline constexpr uint32_t padded(uint32_t bytes) { return (bytes + 3) & ~3u; }

}  // namespace wire

/**
 * What the limit program sends: datagrams of the size and the content that zabkv's have, without their protocol.
 *
 * A datagram is a Head, then operations or results of zabkv's sizes. The head is as large as all that zabkv puts around
 * the operations of a datagram (header, link or proposal, record, tag: docs/wire.md), so that as many fit.
 */
#pragma once

#include <cstdint>

namespace limit {

inline constexpr uint32_t DATAGRAM_BYTES = 8192;  // what zabkv uses on loopback
inline constexpr uint32_t KEY_BYTES = 8;
inline constexpr uint32_t VALUE_BYTES = 32;
inline constexpr uint32_t VALUE_CHECKED_EVERY = 8;  // of the values read, as zabkv's workload does

struct Head {
  uint32_t count;       // operations, or results
  uint32_t reserved;
  uint64_t counter;     // writes: of the last operation in it; acknowledgements: up to here; reads: of the request
  uint8_t around[104];
};
static_assert(sizeof(Head) == 120);

struct Set {
  uint32_t kind;
  uint8_t key[KEY_BYTES];
  uint8_t value[VALUE_BYTES];
};
static_assert(sizeof(Set) == 44);

struct Get {
  uint32_t kind;
  uint8_t key[KEY_BYTES];
};
static_assert(sizeof(Get) == 12);

struct Result {
  uint32_t status;
  uint32_t bytes;
  uint64_t version;
  uint8_t value[VALUE_BYTES];
};
static_assert(sizeof(Result) == 48);

inline constexpr uint32_t SETS_MAX = (DATAGRAM_BYTES - sizeof(Head)) / sizeof(Set);
inline constexpr uint32_t GETS_MAX = (DATAGRAM_BYTES - sizeof(Head)) / sizeof(Get);
inline constexpr uint32_t RESULTS_MAX = (DATAGRAM_BYTES - sizeof(Head)) / sizeof(Result);

template <typename Record>
inline constexpr uint32_t bytesOf(uint32_t count) {
  return static_cast<uint32_t>(sizeof(Head) + count * sizeof(Record));
}

template <typename Record>
inline Record* recordsOf(uint8_t* datagram) {
  return reinterpret_cast<Record*>(datagram + sizeof(Head));
}

inline Head* headOf(uint8_t* datagram) { return reinterpret_cast<Head*>(datagram); }

}  // namespace limit

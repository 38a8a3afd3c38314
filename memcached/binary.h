/** The binary protocol: its header, codes, and the parser of packets. Numbers are big endian. */
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "memcached/state.h"

namespace memcached {

namespace binary {

inline constexpr uint8_t REQUEST = 0x80;
inline constexpr uint8_t RESPONSE = 0x81;

struct Header {
  uint8_t magic;
  uint8_t opcode;
  uint16_t keyBytes;
  uint8_t extraBytes;
  uint8_t dataType;
  uint16_t status; // of a request: a bucket, not looked at
  uint32_t bodyBytes;
  uint32_t opaque; // comes back as it is
  uint64_t cas;
};
static_assert(sizeof(Header) == 24);
static_assert(std::has_unique_object_representations_v<Header>, "no implicit padding");

namespace op {
inline constexpr uint8_t GET = 0x00, SET = 0x01, ADD = 0x02, REPLACE = 0x03, DELETE = 0x04, INCREMENT = 0x05;
inline constexpr uint8_t DECREMENT = 0x06, QUIT = 0x07, FLUSH = 0x08, GETQ = 0x09, NOOP = 0x0a, VERSION = 0x0b;
inline constexpr uint8_t GETK = 0x0c, GETKQ = 0x0d, APPEND = 0x0e, PREPEND = 0x0f, STAT = 0x10, SETQ = 0x11;
inline constexpr uint8_t ADDQ = 0x12, REPLACEQ = 0x13, DELETEQ = 0x14, INCREMENTQ = 0x15, DECREMENTQ = 0x16;
inline constexpr uint8_t QUITQ = 0x17, FLUSHQ = 0x18, APPENDQ = 0x19, PREPENDQ = 0x1a, TOUCH = 0x1c, GAT = 0x1d;
inline constexpr uint8_t GATQ = 0x1e, SASL_LIST = 0x20, SASL_AUTH = 0x21, SASL_STEP = 0x22, GATK = 0x23;
inline constexpr uint8_t GATKQ = 0x24;
}  // namespace op

namespace status {
inline constexpr uint16_t OK = 0x00, NOT_FOUND = 0x01, EXISTS = 0x02, TOO_LARGE = 0x03, INVALID = 0x04;
inline constexpr uint16_t NOT_STORED = 0x05, NON_NUMERIC = 0x06, AUTH_ERROR = 0x20, AUTH_CONTINUE = 0x21;
inline constexpr uint16_t UNKNOWN_COMMAND = 0x81, NO_MEMORY = 0x82, TEMPORARY_FAILURE = 0x86;
}  // namespace status

/** The body of an error of `status`. */
std::string_view textOf(uint16_t status);

inline uint16_t swap(uint16_t number) { return __builtin_bswap16(number); }
inline uint32_t swap(uint32_t number) { return __builtin_bswap32(number); }
inline uint64_t swap(uint64_t number) { return __builtin_bswap64(number); }
static_assert(std::endian::native == std::endian::little);

template <typename Number>
Number load(const char* at) {
  Number number;
  std::memcpy(&number, at, sizeof number);
  return swap(number);
}

}  // namespace binary

Progress parseBinary(State& state);

/** A request whose header, extras and key are in the buffer, and checked against each other. */
struct Packet {
  binary::Header header; // of the machine's order
  uint8_t opcode;        // of the command that is not quiet
  bool quiet;
  const char* extras;
  std::string_view key;
  uint64_t valueBytes;
  size_t fixedBytes; // header, extras, key
};

/** An error; what is left of the packet is passed over. */
void refusePacket(State& state, const Packet& packet, uint16_t status);
/** An error after which the client and this server do not agree where packets begin. */
void breakOff(State& state, const Packet& packet, uint16_t status);
/** A command with opcode, opaque and quietness of the reply. */
Command& pushPacket(State& state, const Packet& packet);
/** A reply without execution, at its turn. */
void sayPacket(State& state, const Packet& packet, uint16_t status, std::string_view body);

/** SASL_LIST, AUTH, STEP. */
Progress parseSasl(State& state, const Packet& packet);

}  // namespace memcached

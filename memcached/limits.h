/** Every limit of the protocols, as memcached 1.6.18 has them, and those of this front's own buffers. */
#pragma once

#include <cstddef>
#include <cstdint>

namespace memcached {

inline constexpr size_t KEY_BYTES_MAX = 250;
/** A line that is no get and has no end after so many bytes closes the connection. */
inline constexpr size_t LINE_BYTES_MAX = 2048;
/** Blanks before the command of a line that is too long. */
inline constexpr size_t BLANKS_MAX = 100;
/** Words of a line that count; the rest is not read, except a get's. */
inline constexpr uint32_t WORDS_MAX = 23;
/** Words of a meta command: name, key, and at most so many in all. */
inline constexpr uint32_t META_WORDS_MAX = 19;
inline constexpr uint32_t META_RETURNS_MAX = META_WORDS_MAX - 2;
/** With its letter. */
inline constexpr size_t OPAQUE_BYTES_MAX = 32;
/** Two bytes are for the end of line behind it. */
inline constexpr int64_t VALUE_BYTES_MAX = INT32_MAX - 2;

inline constexpr size_t ITEM_BYTES_MAX = 1024 * 1024;
inline constexpr size_t ITEM_HEADER_BYTES = 48;
inline constexpr size_t ITEM_CAS_BYTES = 8;

/** What memcached says an item takes: header, cas, key with its end, flags unless zero, value with its line end. */
constexpr size_t itemBytes(size_t keyBytes, uint32_t clientFlags, size_t valueBytes) {
  return ITEM_HEADER_BYTES + ITEM_CAS_BYTES + keyBytes + 1 + (clientFlags != 0 ? 4 : 0) + valueBytes + 2;
}

/** Credentials are short: more is refused before it is buffered. */
inline constexpr size_t CREDENTIALS_BYTES_MAX = 2048;
inline constexpr size_t MECHANISM_BYTES_MAX = 32;

/** One block of a connection's input or output, and its commands that wait: from a pool, only while in use. */
inline constexpr size_t BLOCK_BYTES = 64 * 1024;
/** Less room than that in a block is not worth a receive. */
inline constexpr size_t RECEIVE_BYTES_MIN = 2048;
/** A get whose line is longer is answered key by key, before its end has come. */
inline constexpr size_t GET_LINE_BYTES_MAX = BLOCK_BYTES / 2;
/** Commands of one connection that are not answered. A power of two. */
inline constexpr uint64_t COMMANDS_MAX = 256;
/** With so much unsent output no further command is given out. */
inline constexpr size_t OUTPUT_BYTES_MAX = 256 * 1024;
/** With so much input held for commands that are not answered no further input is wanted. */
inline constexpr size_t INPUT_BYTES_MAX = 4 * 1024 * 1024;

}  // namespace memcached

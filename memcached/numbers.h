/**
 * Numbers as memcached reads and writes them. It reads by strtoul and kin, and takes a number that ends where a blank
 * begins; a sign is allowed, and what is too large for 32 bits loses its upper ones. Clients depend on some of it.
 */
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

namespace memcached {

inline constexpr uint32_t DECIMAL_BYTES_MAX = 20;

bool readU64(std::string_view word, uint64_t& number);
bool readU32(std::string_view word, uint32_t& number);
bool readI32(std::string_view word, int32_t& number);

/** Returns where it ends; there must be DECIMAL_BYTES_MAX bytes. */
inline char* writeDecimal(char* at, uint64_t number) {
  return std::to_chars(at, at + DECIMAL_BYTES_MAX, number).ptr;
}

}  // namespace memcached

/** Numbers as memcached keeps them: decimal text. */
#pragma once

#include <charconv>
#include <cstdint>

namespace machine {

inline constexpr uint32_t DECIMAL_BYTES_MAX = 20;  // of 2^64 - 1

inline bool isSpace(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/**
 * The number at the beginning of a value: spaces and a sign may stand before it, and behind it only
 * a space, a zero byte or the end. False when there is none, or it is below 0 or above 2^64 - 1.
 */
inline bool parseDecimal(const uint8_t* at, uint32_t bytes, uint64_t& number) {
  const uint8_t* const end = at + bytes;
  while (at != end && isSpace(*at)) ++at;
  const bool minus = at != end && *at == '-';
  if (minus || (at != end && *at == '+')) ++at;
  const char* const text = reinterpret_cast<const char*>(at);
  const auto parsed = std::from_chars(text, reinterpret_cast<const char*>(end), number);
  if (parsed.ec != std::errc() || (minus && number != 0)) return false;
  const auto* const behind = reinterpret_cast<const uint8_t*>(parsed.ptr);
  return behind == end || *behind == 0 || isSpace(*behind);
}

/** Writes up to DECIMAL_BYTES_MAX bytes; returns how many. */
inline uint32_t writeDecimal(uint8_t* out, uint64_t number) {
  char* const text = reinterpret_cast<char*>(out);
  return static_cast<uint32_t>(std::to_chars(text, text + DECIMAL_BYTES_MAX, number).ptr - text);
}

}  // namespace machine

#include "memcached/base64.h"

#include <array>
#include <cstdint>

namespace memcached {
namespace {

constexpr char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t OUTSIDE = 0x80;
constexpr char PAD = '=';

constexpr std::array<uint8_t, 256> VALUES = [] {
  std::array<uint8_t, 256> values;
  values.fill(OUTSIDE);
  for (uint8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(ALPHABET[i])] = i;
  values[static_cast<uint8_t>(PAD)] = 0;
  return values;
}();

uint8_t valueOf(char byte) { return VALUES[static_cast<uint8_t>(byte)]; }

}  // namespace

size_t encodeBase64(const char* from, size_t bytes, char* to) {
  char* at = to;
  for (size_t i = 0; i < bytes; i += 3) {
    const size_t left = bytes - i;
    uint32_t group = static_cast<uint32_t>(static_cast<uint8_t>(from[i])) << 16;
    if (left > 1) group |= static_cast<uint32_t>(static_cast<uint8_t>(from[i + 1])) << 8;
    if (left > 2) group |= static_cast<uint8_t>(from[i + 2]);
    *at++ = ALPHABET[group >> 18];
    *at++ = ALPHABET[group >> 12 & 63];
    *at++ = left > 1 ? ALPHABET[group >> 6 & 63] : PAD;
    *at++ = left > 2 ? ALPHABET[group & 63] : PAD;
  }
  return static_cast<size_t>(at - to);
}

size_t decodeBase64(char* at, size_t bytes) {
  size_t inside = 0;
  for (size_t i = 0; i < bytes; ++i) inside += valueOf(at[i]) != OUTSIDE;
  if (inside == 0 || inside % 4 != 0) return 0;

  size_t written = 0;
  uint32_t group = 0;
  uint32_t held = 0;
  uint32_t pads = 0;
  for (size_t i = 0; i < bytes; ++i) {
    const uint8_t value = valueOf(at[i]);
    if (value == OUTSIDE) continue;
    pads += at[i] == PAD;
    group = group << 6 | value;
    if (++held < 4) continue;
    // Three bytes for four that were read: what is written is behind what is read.
    at[written++] = static_cast<char>(group >> 16);
    at[written++] = static_cast<char>(group >> 8);
    at[written++] = static_cast<char>(group);
    group = 0;
    held = 0;
    if (pads == 0) continue;
    return pads > 2 ? 0 : written - pads;
  }
  return written;
}

}  // namespace memcached

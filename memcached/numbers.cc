#include "memcached/numbers.h"

namespace memcached {
namespace {

/** isspace of the C locale. */
bool isBlank(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

struct Digits {
  uint64_t magnitude = 0;
  bool negative = false;
  bool valid = false; // digits, no overflow, and a blank or the end behind them
};

Digits readSigned(std::string_view word) {
  const char* at = word.data();
  const char* const end = at + word.size();
  while (at != end && isBlank(*at)) ++at;
  Digits digits;
  if (at != end && (*at == '-' || *at == '+')) digits.negative = *at++ == '-';
  const char* const first = at;
  bool overflow = false;
  for (; at != end && static_cast<uint8_t>(*at - '0') <= 9; ++at) {
    overflow |= __builtin_mul_overflow(digits.magnitude, 10u, &digits.magnitude);
    overflow |= __builtin_add_overflow(digits.magnitude, static_cast<uint8_t>(*at - '0'), &digits.magnitude);
  }
  digits.valid = at != first && !overflow && (at == end || isBlank(*at) || *at == '\0');
  return digits;
}

/** Few digits and nothing else, which is nearly every number of a client. */
bool readShort(std::string_view word, uint32_t& number) {
  if (word.size() - 1 > 8) return false;
  uint32_t sum = 0;
  for (const char byte : word) {
    const auto digit = static_cast<uint8_t>(byte - '0');
    if (digit > 9) return false;
    sum = sum * 10 + digit;
  }
  number = sum;
  return true;
}

}  // namespace

bool readU64(std::string_view word, uint64_t& number) {
  number = 0;
  uint32_t small;
  if (readShort(word, small)) {
    number = small;
    return true;
  }
  const Digits digits = readSigned(word);
  if (!digits.valid) return false;
  const uint64_t wrapped = digits.negative ? 0 - digits.magnitude : digits.magnitude;
  // A minus is refused only where the result would look negative: "-0" passes.
  if (static_cast<int64_t>(wrapped) < 0 && word.find('-') != std::string_view::npos) return false;
  number = wrapped;
  return true;
}

bool readU32(std::string_view word, uint32_t& number) {
  uint64_t wide;
  const bool valid = readU64(word, wide);
  number = static_cast<uint32_t>(wide);
  return valid;
}

bool readI32(std::string_view word, int32_t& number) {
  number = 0;
  uint32_t small;
  if (readShort(word, small)) {
    number = static_cast<int32_t>(small);
    return true;
  }
  const Digits digits = readSigned(word);
  const uint64_t magnitudeMax = static_cast<uint64_t>(INT64_MAX) + (digits.negative ? 1 : 0);
  if (!digits.valid || digits.magnitude > magnitudeMax) return false;
  number = static_cast<int32_t>(static_cast<uint32_t>(digits.negative ? 0 - digits.magnitude : digits.magnitude));
  return true;
}

}  // namespace memcached

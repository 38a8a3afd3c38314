/** Copies values: most are a few words, and a call would cost more than the copy. */
#pragma once

#include <cstdint>
#include <cstring>

#include "machine/wire.h"

namespace machine {

inline constexpr uint32_t COPY_INLINE_BYTES = 128;

inline void copyValue(uint8_t* to, const uint8_t* from, uint32_t bytes) {
  if (bytes > COPY_INLINE_BYTES) {
    std::memcpy(to, from, bytes);
    return;
  }
  for (; bytes >= sizeof(uint64_t); bytes -= sizeof(uint64_t), to += sizeof(uint64_t), from += sizeof(uint64_t)) {
    wire::store(to, wire::load<uint64_t>(from));
  }
  for (; bytes != 0; --bytes) *to++ = *from++;
}

}  // namespace machine

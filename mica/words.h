/**
 * Memory that one thread writes while others read: words, moved by relaxed atomic operations.
 *
 * Relaxed words compile to ordinary moves; what makes a set of them consistent is the sequence
 * number of the bucket they hang on (index.h). The writer may read its own words plainly.
 */
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hash.h"

namespace mica {

static_assert(std::endian::native == std::endian::little, "items are stored as they are hashed");
static_assert(std::atomic_ref<uint64_t>::is_always_lock_free);

inline constexpr size_t WORD_BYTES = 8;

/**
 * Fetches a line that will be needed. GCC takes a function that does nothing but __builtin_prefetch
 * for one without effects, and drops calls of it that it does not inline: hence the statement behind.
 */
inline void prefetch(const void* line) {
  __builtin_prefetch(line);
  asm volatile("");
}

inline constexpr size_t wordsOf(size_t bytes) { return (bytes + WORD_BYTES - 1) / WORD_BYTES; }

template <typename Word>
inline Word loadRelaxed(const Word& word) {
  // atomic_ref of a const object comes with C++26; nothing is written through this one.
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_relaxed);
}

template <typename Word>
inline void storeRelaxed(Word& word, Word value) {
  std::atomic_ref<Word>(word).store(value, std::memory_order_relaxed);
}

template <typename Word>
inline Word loadAcquire(const Word& word) {
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_acquire);
}

template <typename Word>
inline void storeRelease(Word& word, Word value) {
  std::atomic_ref<Word>(word).store(value, std::memory_order_release);
}

/** From private bytes into shared words; the last word is padded with zeros. */
inline void copyIn(uint64_t* to, const uint8_t* from, size_t bytes) {
  for (; bytes >= WORD_BYTES; bytes -= WORD_BYTES, from += WORD_BYTES, ++to) {
    uint64_t word;
    std::memcpy(&word, from, WORD_BYTES);
    storeRelaxed(*to, word);
  }
  if (bytes != 0) storeRelaxed(*to, hashReadPartial(from, bytes));
}

/** From shared words into private bytes. */
inline void copyOut(uint8_t* to, const uint64_t* from, size_t bytes) {
  for (; bytes >= WORD_BYTES; bytes -= WORD_BYTES, to += WORD_BYTES, ++from) {
    const uint64_t word = loadRelaxed(*from);
    std::memcpy(to, &word, WORD_BYTES);
  }
  if (bytes == 0) return;
  const uint64_t word = loadRelaxed(*from);
  std::memcpy(to, &word, bytes);
}

/** From shared words to shared words, by the writer. */
inline void copyWords(uint64_t* to, const uint64_t* from, size_t words) {
  for (size_t i = 0; i < words; ++i) storeRelaxed(to[i], loadRelaxed(from[i]));
}

/** Whether shared words, padded with zeros, hold exactly these private bytes. */
inline bool equalBytes(const uint64_t* words, const uint8_t* bytes, size_t count) {
  if (count == WORD_BYTES) return loadRelaxed(*words) == hashRead8(bytes);
  for (; count >= WORD_BYTES; count -= WORD_BYTES, bytes += WORD_BYTES, ++words) {
    if (loadRelaxed(*words) != hashRead8(bytes)) return false;
  }
  return count == 0 || loadRelaxed(*words) == hashReadPartial(bytes, count);
}

}  // namespace mica

/**
 * The layout of an item, and the size classes in which items are kept and charged.
 *
 *   word 0   version
 *   word 1   valueBytes (low half), flags (high half)
 *   word 2   expiry (low half), keyBytes (one byte), state (two bytes), a zero byte
 *   then     the key, padded with zeros to a word, and the value, padded likewise; with state::CAS
 *            a word more: the cas that a client chose
 *
 * An 8-byte key with a 32-byte value is exactly 64 bytes: one cache line.
 */
#pragma once

#include <bit>
#include <cstdint>

#include "words.h"

namespace mica {

inline constexpr uint32_t KEY_BYTES_MAX = 250;
inline constexpr uint32_t VALUE_BYTES_MAX = 1u << 20;

/** What an item is, beside its value. The bits are its content like any other. */
namespace state {
inline constexpr uint32_t STALE = 1, SENT = 2, FETCHED = 4;  // of whoever writes: not looked at here
inline constexpr uint32_t CAS = 8;                            // Attributes::cas counts
inline constexpr uint32_t USES = 0x30, ONE_USE = 0x10;        // how often eviction will spare it
inline constexpr uint32_t ALL = STALE | SENT | FETCHED | CAS | USES;
}  // namespace state

struct Attributes {
  uint64_t version;
  uint32_t flags = 0;   // memcached's client flags
  uint32_t expiry = 0;  // seconds since 1970 from which it is gone, 0 = never (Clockwork::now)
  uint32_t state = 0;   // bits of state::
  uint64_t cas = 0;     // with state::CAS
};

struct Item {
  uint64_t version;
  uint64_t valueBytesAndFlags;
  uint64_t expiryAndKeyBytes;
  uint64_t payload[];

  uint32_t valueBytes() const { return static_cast<uint32_t>(loadRelaxed(valueBytesAndFlags)); }
  uint32_t flags() const { return static_cast<uint32_t>(loadRelaxed(valueBytesAndFlags) >> 32); }
  uint32_t expiry() const { return static_cast<uint32_t>(loadRelaxed(expiryAndKeyBytes)); }
  uint32_t keyBytes() const { return loadRelaxed(expiryAndKeyBytes) >> 32 & 0xff; }
  uint32_t state() const { return loadRelaxed(expiryAndKeyBytes) >> 40 & 0xffff; }
  const uint8_t* key() const { return reinterpret_cast<const uint8_t*>(payload); }
  const uint64_t* valueWords() const { return payload + wordsOf(keyBytes()); }
  const uint8_t* value() const { return reinterpret_cast<const uint8_t*>(valueWords()); }
  const uint64_t& casWord() const { return valueWords()[wordsOf(valueBytes())]; }
};
static_assert(sizeof(Item) == 24);

/** What a write brings. */
struct Record {
  const uint8_t* key;
  uint32_t keyBytes;
  uint32_t valueBytes;
  const uint8_t* value;
  Attributes attributes;
};

inline constexpr uint32_t itemBytes(uint32_t keyBytes, uint32_t valueBytes) {
  return static_cast<uint32_t>(sizeof(Item) + wordsOf(keyBytes) * WORD_BYTES) + valueBytes;
}
static_assert(itemBytes(8, 32) == 64);

inline constexpr uint32_t itemBytes(uint32_t keyBytes, uint32_t valueBytes, uint32_t state) {
  if ((state & state::CAS) == 0) return itemBytes(keyBytes, valueBytes);
  return itemBytes(keyBytes, static_cast<uint32_t>(wordsOf(valueBytes) * WORD_BYTES + WORD_BYTES));
}

/** Every byte of an item that carries meaning lies in this range; padding inside it is zero. */
inline uint32_t itemBytes(const Item& item) {
  return itemBytes(item.keyBytes(), item.valueBytes(), item.state());
}

inline uint64_t itemCas(const Item& item) {
  return (item.state() & state::CAS) != 0 ? loadRelaxed(item.casWord()) : item.version;
}

inline uint64_t itemKeyHash(const Item& item) { return hashKey(item.key(), item.keyBytes()); }

inline bool itemHasKey(const Item& item, const uint8_t* key, uint32_t keyBytes) {
  return item.keyBytes() == keyBytes && equalBytes(item.payload, key, keyBytes);
}

inline constexpr uint64_t valueBytesAndFlagsOf(uint32_t valueBytes, uint32_t flags) {
  return uint64_t{flags} << 32 | valueBytes;
}

inline constexpr uint64_t expiryAndKeyBytesOf(uint32_t expiry, uint32_t keyBytes, uint32_t state) {
  return uint64_t{state} << 40 | uint64_t{keyBytes} << 32 | expiry;
}

/** Whether everything but version, key and value is as the record has it. */
inline bool itemHasShape(const Item& item, const Record& record) {
  const Attributes& attributes = record.attributes;
  return item.valueBytesAndFlags == valueBytesAndFlagsOf(record.valueBytes, attributes.flags) &&
         item.expiryAndKeyBytes == expiryAndKeyBytesOf(attributes.expiry, record.keyBytes, attributes.state);
}

inline void itemWriteHeader(Item& item, const Record& record) {
  const Attributes& attributes = record.attributes;
  storeRelaxed(item.version, attributes.version);
  storeRelaxed(item.valueBytesAndFlags, valueBytesAndFlagsOf(record.valueBytes, attributes.flags));
  storeRelaxed(item.expiryAndKeyBytes,
               expiryAndKeyBytesOf(attributes.expiry, record.keyBytes, attributes.state));
}

inline void itemWriteValue(Item& item, const Record& record) {
  uint64_t* const words = item.payload + wordsOf(record.keyBytes);
  copyIn(words, record.value, record.valueBytes);
  if ((record.attributes.state & state::CAS) != 0) {
    storeRelaxed(words[wordsOf(record.valueBytes)], record.attributes.cas);
  }
}

/** Expiry and state alone. */
inline void itemWriteStanding(Item& item, uint32_t expiry, uint32_t state) {
  storeRelaxed(item.expiryAndKeyBytes, expiryAndKeyBytesOf(expiry, item.keyBytes(), state));
}

inline void itemWriteKey(Item& item, const Record& record) {
  copyIn(item.payload, record.key, record.keyBytes);
}

/**
 * Size classes: steps of 16 bytes up to 128, then eight steps to each doubling, so that an item
 * wastes less than 16 bytes or less than an eighth of its size.
 */
inline constexpr uint32_t CLASS_BYTES_MIN = 32;
inline constexpr uint32_t CLASSES_SMALL = 7;  // 32, 48 ... 128

inline constexpr uint32_t classOf(uint32_t bytes) {
  if (bytes <= CLASS_BYTES_MIN) return 0;
  if (bytes <= 128) return (bytes + 15) / 16 - 2;
  const uint32_t doubling = std::bit_width(bytes - 1) - 1;  // 2^doubling < bytes <= 2 * that
  const uint32_t step = (bytes - 1 - (1u << doubling)) >> (doubling - 3);
  return CLASSES_SMALL + (doubling - 7) * 8 + step;
}

inline constexpr uint32_t classBytes(uint32_t sizeClass) {
  if (sizeClass < CLASSES_SMALL) return CLASS_BYTES_MIN + sizeClass * 16;
  const uint32_t doubling = 7 + (sizeClass - CLASSES_SMALL) / 8;
  const uint32_t step = (sizeClass - CLASSES_SMALL) % 8 + 1;
  return (1u << doubling) + (step << (doubling - 3));
}

inline constexpr uint32_t CLASSES = classOf(itemBytes(KEY_BYTES_MAX, VALUE_BYTES_MAX, state::CAS)) + 1;
static_assert(classBytes(CLASSES - 1) >= itemBytes(KEY_BYTES_MAX, VALUE_BYTES_MAX, state::CAS));
static_assert(classBytes(classOf(64)) == 64 && classBytes(classOf(129)) == 144);
static_assert(classOf(classBytes(CLASSES - 1)) == CLASSES - 1);

}  // namespace mica

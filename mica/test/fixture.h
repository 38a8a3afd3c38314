/** What the tests share: small keys, values that tell whether they are whole, shorter calls. */
#pragma once

#include <cstring>
#include <string>

#include "../store.h"
#include "test/native/check.h"
#include "random.h"

namespace mica::test {

using native_test::run;
using native_test::tally;

void hashTests();
void layoutTests();
void storeTests();
void indexTests();
void memoryTests();
void modelTests();
void readerTests();
void keeperTests();
void timeTests();

inline const uint8_t* bytesOf(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

inline uint32_t sizeOf(const std::string& text) { return static_cast<uint32_t>(text.size()); }

inline uint64_t hashOf(const std::string& key) { return hashKey(bytesOf(key), sizeOf(key)); }

/** A value that depends on its number in every byte. */
inline std::string valueOf(uint64_t number, size_t bytes) {
  std::string value(bytes, '\0');
  Random random = {number};
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t word = random.next();
    std::memcpy(value.data() + i, &word, bytes - i < 8 ? bytes - i : 8);
  }
  return value;
}

inline Outcome set(Store& store, const std::string& key, const std::string& value,
                   Attributes attributes) {
  return store.set(hashOf(key), bytesOf(key), sizeOf(key), bytesOf(value), sizeOf(value),
                   attributes);
}

inline Outcome create(Store& store, const std::string& key, const std::string& value,
                      Attributes attributes) {
  return store.create(hashOf(key), bytesOf(key), sizeOf(key), bytesOf(value), sizeOf(value),
                      attributes);
}

inline Outcome setIf(Store& store, uint64_t ifVersion, const std::string& key,
                     const std::string& value, Attributes attributes) {
  return store.setIf(ifVersion, hashOf(key), bytesOf(key), sizeOf(key), bytesOf(value),
                     sizeOf(value), attributes);
}

inline Outcome remove(Store& store, const std::string& key) {
  return store.remove(hashOf(key), bytesOf(key), sizeOf(key));
}

inline Outcome removeIf(Store& store, const std::string& key, uint64_t ifVersion) {
  return store.removeIf(hashOf(key), bytesOf(key), sizeOf(key), ifVersion);
}

inline bool find(const Store& store, const std::string& key, Found& found) {
  return store.find(hashOf(key), bytesOf(key), sizeOf(key), found);
}

inline Copied read(const Store& store, const std::string& key, std::string& out) {
  return store.read(hashOf(key), bytesOf(key), sizeOf(key),
                    reinterpret_cast<uint8_t*>(out.data()), sizeOf(out));
}

/** Whether the key is there with just this value. */
inline bool holds(const Store& store, const std::string& key, const std::string& value) {
  Found found;
  return find(store, key, found) && found.valueBytes == value.size() &&
         std::memcmp(found.value, value.data(), value.size()) == 0;
}

inline bool is(Outcome outcome, Status status, uint64_t version) {
  return outcome.status == status && outcome.version == version;
}

inline constexpr uint64_t MIB = uint64_t{1} << 20;

}  // namespace mica::test

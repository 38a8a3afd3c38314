/** A replica's store and what it does to it: the same store as zabkv's, prefetched the same way. */
#pragma once

#include <array>
#include <memory>

#include "bench/limit/messages.h"
#include "bench/native/measure.h"
#include "mica/store.h"

namespace limit {

class Table {
 public:
  /** With all keys in it: neither program measures the filling. */
  explicit Table(uint32_t keys) : store_(mica::Store::create({uint64_t{1} << 30, keys})) {
    if (store_ == nullptr) bench::stop("The store has no memory.");
    std::array<uint8_t, KEY_BYTES> key;
    std::array<uint8_t, VALUE_BYTES> value;
    value.fill('.');
    for (uint32_t id = 0; id < keys; ++id) {
      bench::writeKey(id, reinterpret_cast<char*>(key.data()));
      std::memcpy(value.data(), &id, sizeof id);
      store_->set(mica::hashKey(key.data(), KEY_BYTES), key.data(), KEY_BYTES, value.data(), VALUE_BYTES, {1});
    }
  }

  void apply(uint8_t* datagram) {
    const Head& head = *headOf(datagram);
    const Set* const sets = recordsOf<Set>(datagram);
    uint64_t version = head.counter - head.count;
    for (uint32_t i = 0; i < head.count; ++i) {
      sets_[i] = {mica::hashKey(sets[i].key, KEY_BYTES), sets[i].key, sets[i].value, KEY_BYTES, VALUE_BYTES,
                  {++version}, {}};
    }
    store_->setBatch(sets_.data(), head.count);
  }

  /** Results of the gets [from, from + count) of a datagram, into another. */
  void find(uint8_t* datagram, uint32_t from, uint32_t count, uint8_t* out) {
    const Get* const gets = recordsOf<Get>(datagram) + from;
    for (uint32_t i = 0; i < count; ++i) {
      gets_[i] = {mica::hashKey(gets[i].key, KEY_BYTES), gets[i].key, KEY_BYTES, false, {}};
    }
    store_->getBatch(gets_.data(), count);
    Result* const results = recordsOf<Result>(out);
    for (uint32_t i = 0; i < count; ++i) {
      const mica::Found& found = gets_[i].found;
      results[i].status = gets_[i].hit ? 0 : 1;
      if (!gets_[i].hit) continue;
      results[i].bytes = found.valueBytes;
      results[i].version = found.version;
      std::memcpy(results[i].value, found.value, VALUE_BYTES);
    }
    headOf(out)->count = count;
    headOf(out)->counter = headOf(datagram)->counter;
  }

 private:
  std::unique_ptr<mica::Store> store_;
  std::array<mica::SetRequest, SETS_MAX> sets_;
  std::array<mica::GetRequest, RESULTS_MAX> gets_;
};

/** Buffers that trains are received into. */
class Buffers {
 public:
  explicit Buffers(uint32_t count) : memory_(size_t{count} * BUFFER_BYTES_EACH) {
    for (uint32_t i = 0; i < count; ++i) each_.push_back(memory_.data() + size_t{i} * BUFFER_BYTES_EACH);
  }
  uint8_t* const* from(uint32_t index) const { return each_.data() + index; }
  uint32_t count() const { return static_cast<uint32_t>(each_.size()); }

 private:
  static constexpr size_t BUFFER_BYTES_EACH = 65536;
  std::vector<uint8_t> memory_;
  std::vector<uint8_t*> each_;
};

}  // namespace limit

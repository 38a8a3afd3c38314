/**
 * What memcached does with commands, over a std::map and a clock that is told: for tests of the protocols, and to be
 * compared with memcached itself. Not made to be fast.
 */
#pragma once

#include <map>
#include <string>

#include "memcached/connection.h"

namespace memcached::test {

struct Item {
  std::string value;
  uint32_t clientFlags = 0;
  int64_t expiry = 0;
  uint64_t cas = 0;
  int64_t accessed = 0;
  bool fetched = false;
  bool active = false; // fetched twice: from then on a fetch is an access
  bool stale = false;
  bool won = false;
  bool keyBinary = false;
};

class Reference {
 public:
  explicit Reference(size_t itemBytesMax = ITEM_BYTES_MAX) : itemBytesMax_(itemBytesMax) {}

  int64_t now = 1'700'000'000;

  /** Executes what the connection gives, until it gives nothing more. */
  void serve(Connection& connection);
  /** Statistics go to the connection, so it is told which. */
  Outcome execute(const Command& command, Connection& connection);

 private:
  using Items = std::map<std::string, Item, std::less<>>;

  Item* find(std::string_view key);
  Item& put(std::string_view key);
  Outcome read(const Command& command);
  Outcome write(const Command& command);
  Outcome replaceItem(const Command& command, Item* former);
  Outcome join(const Command& command, Item& former);
  Outcome remove(const Command& command);
  Outcome count(const Command& command);
  Outcome create(const Command& command);
  Outcome flush(const Command& command);
  Outcome statistics(const Command& command, Connection& connection);
  Outcome describe(const Command& command);
  bool fits(std::string_view key, uint32_t clientFlags, size_t valueBytes) const;
  void bump(Item& item);
  uint64_t casFor(const Command& command) { return command.hasNewCas ? command.newCas : ++cas_; }
  int64_t ttlOf(const Item& item) const;

  size_t itemBytesMax_;
  Items items_;
  std::string shown_; // the value that an outcome points to
  uint64_t cas_ = 0;
  int64_t flushedTime_ = 0;
  uint64_t flushedCas_ = 0;
  uint64_t commands_ = 0;
};

}  // namespace memcached::test

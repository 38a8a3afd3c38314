// Small integers for places that datagrams go to. Equal places share one integer, which lives until
// it was removed as often as it was added.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace endpoint {

template <typename Place>
class Destinations {
 public:
  // The integer of an equal place, one use more; -1 when there is none.
  int64_t reuse(const std::string& key) {
    const auto found = byKey_.find(key);
    if (found == byKey_.end()) return -1;
    entries_[found->second].uses++;
    return found->second;
  }

  uint32_t add(const std::string& key, Place place) {
    uint32_t index = static_cast<uint32_t>(entries_.size());
    if (free_.empty()) {
      entries_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    entries_[index] = Entry{std::move(place), key, 1};
    byKey_.emplace(key, index);
    return index;
  }

  // One use less. `known` says whether there was one; the place comes back when that was the last
  // use.
  std::optional<Place> remove(uint32_t index, bool& known) {
    known = find(index) != nullptr;
    if (!known || --entries_[index].uses > 0) return std::nullopt;
    byKey_.erase(entries_[index].key);
    entries_[index].key.clear();
    free_.push_back(index);
    return std::move(entries_[index].place);
  }

  // Null for an integer that is not in use.
  const Place* find(uint32_t index) const {
    return index < entries_.size() && entries_[index].uses > 0 ? &entries_[index].place : nullptr;
  }

  template <typename Visit>
  void each(Visit visit) {
    for (Entry& entry : entries_) {
      if (entry.uses > 0) visit(entry.place);
    }
  }

 private:
  struct Entry {
    Place place{};
    std::string key;
    uint32_t uses = 0;
  };
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
  std::map<std::string, uint32_t> byKey_;
};

}  // namespace endpoint

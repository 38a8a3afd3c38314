/**
 * Answers of writes that are more than a status: kept with the session's results, as long as those,
 * so that a write asked for again is answered what it was answered first. Replicated state.
 */
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "machine/assert.h"
#include "machine/wire.h"

namespace machine {

/** Cluster-wide: what the answers kept of all sessions may take together. */
inline constexpr uint64_t KEPT_BYTES_MAX = 64u << 20;

struct KeptAnswer {
  uint64_t sequence;
  uint32_t bytes;
  std::unique_ptr<uint8_t[]> data;
};

/** What such an answer counts. */
inline constexpr uint64_t keptCharge(uint64_t bytes) { return bytes + sizeof(KeptAnswer); }

/** Of one session, in the order of its writes. */
using KeptAnswers = std::vector<KeptAnswer>;

inline const KeptAnswer* findKept(const KeptAnswers& answers, uint64_t sequence) {
  const auto at = std::lower_bound(
      answers.begin(), answers.end(), sequence,
      [](const KeptAnswer& each, uint64_t wanted) { return each.sequence < wanted; });
  return at != answers.end() && at->sequence == sequence ? &*at : nullptr;
}

/** Counts the answers of all sessions. */
class Keeping {
 public:
  /** Whether there is room for one more of so many bytes. */
  bool fits(uint64_t bytes) const { return bytes_ + keptCharge(bytes) <= KEPT_BYTES_MAX; }

  void keep(KeptAnswers& answers, uint64_t sequence, const uint8_t* from, uint32_t bytes) {
    require(fits(bytes), "keeping: room was asked for before");
    auto data = std::make_unique_for_overwrite<uint8_t[]>(bytes);
    std::memcpy(data.get(), from, bytes);
    answers.push_back({sequence, bytes, std::move(data)});
    bytes_ += keptCharge(bytes);
  }
  /** Forgets answers before `answered`. */
  void prune(KeptAnswers& answers, uint64_t answered) {
    auto end = answers.begin();
    for (; end != answers.end() && end->sequence < answered; ++end) bytes_ -= keptCharge(end->bytes);
    answers.erase(answers.begin(), end);
  }
  void drop(KeptAnswers& answers) { prune(answers, UINT64_MAX); }
  /** Counts answers that came from elsewhere. False when there is no room for them. */
  [[nodiscard]] bool adopt(const KeptAnswers& answers) {
    uint64_t bytes = bytes_;
    for (const KeptAnswer& each : answers) bytes += keptCharge(each.bytes);
    if (bytes > KEPT_BYTES_MAX) return false;
    bytes_ = bytes;
    return true;
  }
  /** All sessions are gone. */
  void clear() { bytes_ = 0; }

 private:
  uint64_t bytes_ = 0;
};

}  // namespace machine

/**
 * The answers of a session's writes that its client may still ask for again. Replicated state.
 *
 * Equal answers in a row are one run: 32 plain writes of one record cost one. Runs are merged
 * whenever they can be, so that the cache depends only on the answers, not on how they came in.
 */
#pragma once

#include <cstdint>
#include <memory>

#include "machine/assert.h"
#include "machine/wire.h"
#include "mica/words.h"

namespace machine {

/** Of Run::status: OK, and each write has an answer of its own beside (kept_answers.h). */
inline constexpr uint32_t WITH_ANSWER = 0x100;
inline constexpr uint32_t OK_WITH_ANSWER = WITH_ANSWER | wire::status::OK;

/** Answers of `count` writes from `sequence` on. OK: each version is one more; else all have the
 * same. */
struct Run {
  uint64_t sequence;
  uint64_t version;
  uint32_t count;
  uint32_t status;

  uint64_t end() const { return sequence + count; }
  uint64_t versionAt(uint64_t skipped) const {
    return (status & ~WITH_ANSWER) == wire::status::OK ? version + skipped : version;
  }
  bool continues(uint64_t nextVersion, uint32_t nextStatus) const {
    return nextStatus == status && nextVersion == versionAt(count);
  }
  void skip(uint32_t writes) {
    version = versionAt(writes);
    sequence += writes;
    count -= writes;
  }
};
static_assert(sizeof(Run) == 24);

class ResultCache {
 public:
  uint32_t runs() const { return count_; }
  const Run& run(uint32_t index) const { return ring_[(first_ + index) & (capacity_ - 1)]; }

  /** Fetches the memory that the next push and prune will touch. */
  void prefetchNext() const {
    if (capacity_ == 0) return;
    mica::prefetch(&run(count_ == 0 ? 0 : count_ - 1));
    mica::prefetch(&run(0));
  }

  /** The next answers of the session. */
  void push(const Run& run) {
    if (count_ != 0) {
      Run& last = at(count_ - 1);
      require(last.end() == run.sequence, "results: answers are kept without a hole");
      if (last.continues(run.version, run.status)) {
        last.count += run.count;
        return;
      }
    }
    if (count_ == capacity_) grow();
    at(count_++) = run;
  }

  /** Forgets answers before `answered`. */
  void prune(uint64_t answered) {
    while (count_ != 0) {
      Run& oldest = at(0);
      if (oldest.sequence >= answered) return;
      if (oldest.end() > answered)
        return oldest.skip(static_cast<uint32_t>(answered - oldest.sequence));
      first_ = (first_ + 1) & (capacity_ - 1);
      --count_;
    }
  }

  /** The run that holds `sequence`, cut to begin there. False when it is not kept. */
  bool find(uint64_t sequence, Run& found) const {
    for (uint32_t i = count_; i-- > 0;) {
      const Run& candidate = run(i);
      if (candidate.sequence > sequence) continue;
      if (candidate.end() <= sequence) return false;
      found = candidate;
      found.skip(static_cast<uint32_t>(sequence - candidate.sequence));
      return true;
    }
    return false;
  }

 private:
  static constexpr uint32_t CAPACITY_MIN = 8;

  Run& at(uint32_t index) { return ring_[(first_ + index) & (capacity_ - 1)]; }

  void grow() {
    const uint32_t capacity = capacity_ == 0 ? CAPACITY_MIN : capacity_ * 2;
    auto ring = std::make_unique<Run[]>(capacity);
    for (uint32_t i = 0; i < count_; ++i) ring[i] = at(i);
    ring_ = std::move(ring);
    capacity_ = capacity;
    first_ = 0;
  }

  std::unique_ptr<Run[]> ring_;
  uint32_t capacity_ = 0;
  uint32_t first_ = 0;
  uint32_t count_ = 0;
};

}  // namespace machine

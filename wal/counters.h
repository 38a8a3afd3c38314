/** What a log counts. The same list stands in src/store/log.ts; a test compares the two. */
#pragma once

#include <atomic>
#include <cstdint>

namespace wal {

#define WAL_COUNTERS(X)                       \
  X(records, "records")                       \
  X(bytes, "bytes")                           \
  X(groups, "groups")                         \
  X(writes, "writes")                         \
  X(syncs, "syncs")                           \
  X(syncMicrosMax, "sync-micros-max")         \
  X(syncMicrosMean, "sync-micros-mean")       \
  X(bufferFull, "buffer-full")                \
  X(segments, "segments")                     \
  X(segmentsDeleted, "segments-deleted")      \
  X(waitsForSpace, "waits-for-space")         \
  X(snapshots, "snapshots")                   \
  X(snapshotBytes, "snapshot-bytes")          \
  X(replayed, "replayed")                     \
  X(cutBytes, "cut-bytes")

enum class Counter : uint32_t {
#define WAL_COUNTER_ID(id, name) id,
  WAL_COUNTERS(WAL_COUNTER_ID)
#undef WAL_COUNTER_ID
};

inline constexpr const char* COUNTER_NAMES[] = {
#define WAL_COUNTER_NAME(id, name) name,
    WAL_COUNTERS(WAL_COUNTER_NAME)
#undef WAL_COUNTER_NAME
};
inline constexpr uint32_t COUNTERS = sizeof(COUNTER_NAMES) / sizeof(COUNTER_NAMES[0]);

/** Doubles, because JavaScript reads them where they lie. Each is written by one thread. */
class Counts {
 public:
  explicit Counts(double* values) : values_(values) {}
  double get(Counter counter) const { return cell(counter).load(std::memory_order_relaxed); }
  void set(Counter counter, double value) const {
    cell(counter).store(value, std::memory_order_relaxed);
  }
  void add(Counter counter, uint64_t amount = 1) const {
    set(counter, get(counter) + static_cast<double>(amount));
  }

 private:
  std::atomic_ref<double> cell(Counter counter) const {
    return std::atomic_ref<double>(values_[static_cast<uint32_t>(counter)]);
  }

  double* values_;
};

}  // namespace wal

/**
 * Writes one snapshot at a time: the replica's thread hands in parts, the writer's thread puts
 * them into a file, and that gets its name when all of it is durable.
 *
 * After it, what is not needed for it or the one before it is deleted: two snapshots are kept, and
 * the segments that the older of the two needs. With one snapshot nothing is deleted. So a
 * snapshot that cannot be read some day is no loss.
 */
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "wal/buffer.h"
#include "wal/counters.h"
#include "wal/directory.h"
#include "wal/segments.h"

namespace wal {

namespace snapshot_state {
inline constexpr uint32_t NONE = 0, WRITING = 1, FINISHED = 2, FAILED = 3;
}

class SnapshotWriter {
 public:
  SnapshotWriter(const std::string& directory, const Identity& identity, Disk& disk, Counts counts)
      : directory_(directory), identity_(identity), disk_(disk), counts_(counts) {}
  ~SnapshotWriter() { drop(); }

  bool create(uint64_t bufferBytes) {
    bufferBytes_ = bufferBytes;
    return filling_.create(bufferBytes) && writing_.create(bufferBytes);
  }

  // The replica's thread.

  void begin(const SnapshotName& name);
  /** False: the buffer is full, nothing was taken. Also false when it has failed. */
  bool part(const uint8_t* from, uint32_t bytes);
  uint32_t partBytesMax() const {
    return static_cast<uint32_t>(bufferBytes_ - sizeof(PartHeader) - 8);
  }
  void finish();
  void abandon();
  uint32_t state() const { return state_.load(std::memory_order_acquire); }

  // The writer's thread.

  bool hasWork();
  /** Writes what there is, at most a buffer. True when the replica should hear of it. */
  bool work(Segments& segments);
  /** The log has failed or ends: a snapshot under way has failed, and so will others. */
  void fail();

 private:
  struct Order {
    uint64_t generation = 0;  // counts begin() and abandon()
    bool isActive = false;
    bool isFinishing = false;
    SnapshotName name;
  };

  bool open(const Order& order);
  bool writeParts();
  bool write(const void* from, uint64_t bytes);
  bool complete(const Order& order);
  void prune(Segments& segments);
  void end(const Order& order, uint32_t state);
  void drop();

  std::string directory_;
  Identity identity_;
  Disk& disk_;
  Counts counts_;
  uint64_t bufferBytes_ = 0;
  std::atomic<uint32_t> state_{snapshot_state::NONE};

  std::mutex mutex_;  // guards what follows
  bool isOver_ = false;  // the writer's thread has ended
  Order order_;
  Buffer filling_;
  bool wasRefused_ = false;

  // The writer's thread alone.
  Buffer writing_;
  File file_;
  std::string partPath_;
  uint64_t fileGeneration_ = 0;
  uint64_t offset_ = 0;
  uint64_t unsynced_ = 0;
  uint64_t chain_ = 0;
  uint32_t index_ = 0;
};

}  // namespace wal

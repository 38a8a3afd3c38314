/**
 * The log's thread: everything that was appended while it wrote becomes the next group, which is
 * one write and, in mode fsync, one fdatasync. Then it publishes how far the log is durable and
 * wakes the replica.
 *
 * There are two buffers: one is filled by the replica while the other is written, so that an append
 * never waits for the disk. No room on the device keeps the group and tries again; any other
 * failure ends the thread for ever, because what a failed sync has written is not known.
 */
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "wal/buffer.h"
#include "wal/counters.h"
#include "wal/segments.h"
#include "wal/snapshot_writer.h"

namespace wal {

namespace status {
inline constexpr uint32_t FINE = 0, SPACE_LOW = 1, FULL = 2, FAILED = 3;
}

struct WriterSettings {
  SegmentsSettings segments;
  bool isSync = true;  // fsync; else async
  uint64_t bufferBytes = 0;
  uint64_t snapshotBufferBytes = 0;
  int wake = -1;  // an eventfd, owned by the caller
};

class Writer {
 public:
  Writer(const WriterSettings& settings, Disk& disk, Counts counts);
  ~Writer() { stop(); }
  bool create();

  /** Before start(): what was there. */
  Segments& segments() { return segments_; }
  void start(const Position& position);
  /** Writes what was appended, if the device takes it, and ends the thread. */
  void stop();

  // The replica's thread.

  /** False: the buffer is full or the log has failed; nothing was taken. */
  bool append(RecordHeader header, const uint8_t* payload);
  void flush();
  uint64_t appended() const { return appended_; }
  uint64_t durable() const { return durable_.load(std::memory_order_acquire); }
  uint32_t status() const { return status_.load(std::memory_order_acquire); }
  std::string error();
  SnapshotWriter& snapshots() { return snapshots_; }
  /** There is work beside records. */
  void kick();

 private:
  void run();
  void await();
  void commit();
  uint64_t seal(uint64_t from);
  void syncWhenDue();
  void publish();
  bool isIdle();
  void makeReady(uint64_t budgetBytes);
  bool waitForSpace();
  void serveSnapshots();
  void enter(uint32_t status);
  void fail();
  void wake();
  bool isEnding() const { return status() == status::FAILED; }
  template <typename Action>
  bool persist(Action action);

  WriterSettings settings_;
  Counts counts_;
  SnapshotWriter snapshots_;
  std::thread thread_;

  uint64_t appended_ = 0;        // of this life; the replica's thread
  uint64_t firstOrdinal_ = 0;    // of the last record before this life
  std::atomic<uint64_t> durable_{0};
  std::atomic<uint32_t> status_{status::FINE};

  std::mutex mutex_;  // guards what follows
  std::condition_variable ready_;
  Buffer filling_;
  bool isFlushed_ = false;
  bool isKicked_ = false;
  bool isStopping_ = false;
  std::string error_;

  // The writer's thread alone.
  Segments segments_;
  Buffer group_;
  Position position_;         // of the last record that was sealed
  uint64_t written_ = 0;      // ordinal
  uint64_t synced_ = 0;       // ordinal
  uint64_t syncedMicros_ = 0;  // when
  uint64_t triedMicros_ = 0;  // when the next segment could not be made
  bool stops_ = false;
};

}  // namespace wal

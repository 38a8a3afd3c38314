/**
 * A replica's write-ahead log and snapshots: the map of this room. Plain C++, testable without Node.
 *
 *   open -> replayNext until END (or DAMAGE, discardAfterDamage, END) -> appends -> close
 *
 * format.h     the bytes on disk          directory.h        names, lock, owner
 * scan.h       one segment, judged        replay.h           all of them, in order
 * segments.h   the writer's files         writer.h           the thread: groups, sync, status
 * snapshot_writer.h, snapshot_reader.h    disk.h             system calls, faults
 *
 * One thread of the caller. What the disk says is reported, what the caller does wrong is asserted.
 */
#pragma once

#include <memory>
#include <set>
#include <string>

#include "wal/replay.h"
#include "wal/snapshot_reader.h"
#include "wal/writer.h"

namespace wal {

struct Settings {
  std::string directory;
  Identity identity;
  bool isSync = true;
  uint64_t bufferBytes = 64 << 20;
  uint64_t segmentBytes = 64 << 20;
  uint64_t snapshotBufferBytes = 8 << 20;
  int wake = -1;           // an eventfd that outlives the log; -1: nobody to wake
  uint32_t faultSync = 0;  // fault knob: this sync of the log's life fails, 0: none
  Disk* disk = nullptr;        // a test's own
  double* counters = nullptr;  // COUNTERS of them
};

class Log {
 public:
  static std::unique_ptr<Log> open(const Settings& settings, Failure& failure);

  // Recovery, before the first append.

  uint16_t replayNext(uint64_t payloadBytesMax, Record& record);
  const Replay& replay() const { return *replay_; }
  /**
   * After DAMAGE: keeps what is before it, and sets aside the rest: the damaged segment is copied
   * and cut, later ones are renamed. Then replayNext is at the end. False: see error().
   */
  bool discardAfterDamage();

  // The data path, after the replay's end.

  bool append(const RecordHeader& header, const uint8_t* payload);
  void flush() { writer_.flush(); }
  uint64_t appended() const { return writer_.appended(); }
  uint64_t durable() const { return writer_.durable(); }
  uint32_t status() const { return isBroken_ ? status::FAILED : writer_.status(); }
  /** Empty when there is nothing to say. */
  std::string error();

  // Snapshots.

  void snapshotBegin(const SnapshotName& name);
  bool snapshotPart(const uint8_t* from, uint32_t bytes);
  void snapshotFinish();
  uint32_t snapshotState() { return writer_.snapshots().state(); }
  void snapshotAbandon();
  uint32_t snapshotPartBytesMax() { return writer_.snapshots().partBytesMax(); }
  /** Opens the newest that is good; sets aside what is not. */
  bool snapshotOpen();
  /** The next part; see snapshot_reader.h. What is damaged is in error(). */
  int64_t snapshotRead(uint8_t* to, uint64_t bytesMax);
  SnapshotReader& snapshot() { return reader_; }

 private:
  Log(const Settings& settings, Counts counts);

  bool begin();
  bool setAside(const std::string& path);
  bool broken(const std::string& sentence);

  Settings settings_;
  Counts counts_;
  FaultyDisk faulty_;
  Directory directory_;
  std::unique_ptr<Replay> replay_;
  Writer writer_;
  SnapshotReader reader_;
  std::set<std::string> verified_;  // names of snapshots that were read and found good
  std::string written_;             // name of the snapshot begun last
  uint64_t known_ = 0;              // number of the segment that the writer knows last
  bool isAppending_ = false;
  bool isBroken_ = false;
  std::string error_;
};

}  // namespace wal

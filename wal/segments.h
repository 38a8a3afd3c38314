/**
 * The segment files as the writer's thread sees them: the current one, the next one made ready
 * ahead, and the older ones until they are deleted. Used by that thread alone.
 *
 * A segment is allocated before it is used and, as far as the thread is idle, filled with zeros:
 * then a sync writes data only, where it would have to write the file's metadata as well. It gets
 * its name when its header is durable, and that is after everything in the segment before it is.
 */
#pragma once

#include <string>
#include <vector>

#include "wal/counters.h"
#include "wal/directory.h"
#include "wal/disk.h"

namespace wal {

/** full: no room on the device, try again later; nothing is lost. */
enum class Done { yes, full, failed };

struct SegmentsSettings {
  std::string directory;
  Identity identity;
  uint64_t segmentBytes = 0;
};

class Segments {
 public:
  Segments(const SegmentsSettings& settings, Disk& disk, Counts counts)
      : settings_(settings), disk_(disk), counts_(counts) {}

  /** A segment that was there, in order; the last one is the current one, used up to `end`. */
  void known(uint64_t number, uint64_t lastCounter) { known_.push_back({number, lastCounter}); }
  /** Goes on at `end` of the current segment, behind which `tornBytes` are cut. */
  Done resume(uint64_t end, uint64_t tornBytes);

  /** Whether a record of these bytes goes into the current segment. */
  bool fits(uint64_t bytes) const { return current_.isOpen() && end_ + bytes <= limit_; }
  /** Ends the current segment where its records end, and synchronises it. */
  Done finish();
  /** Begins the next segment, behind `position`. */
  Done roll(const Position& position);
  /** Writes at the end. When it is not done, the same call goes on where it stopped. */
  Done write(const uint8_t* from, uint64_t bytes);
  Done sync();
  bool isDirty() const { return isDirty_; }

  /** Makes the next segment ready, writing about `budgetBytes`. */
  Done prepare(uint64_t budgetBytes);
  bool isPrepared() const { return next_.isOpen() && zeroed_ >= settings_.segmentBytes; }
  bool hasNext() const { return next_.isOpen(); }

  /** Deletes segments of which nothing is needed beyond a snapshot at `counter`. */
  void deleteBefore(uint64_t counter);

  void close();

  bool hasCurrent() const { return current_.isOpen(); }
  const Failure& failure() const { return failure_; }

 private:
  struct Known {
    uint64_t number;
    uint64_t lastCounter;  // of the history, where the segment begins
  };

  Done allocate(int file);
  Done name(const Position& position);
  Done stop(const char* syscall, const std::string& path);
  Done stopForEver(const char* syscall, const std::string& path);
  std::string pathOf(uint64_t number) const {
    return inDirectory(settings_.directory, segmentName(number));
  }
  std::string nextPath() const { return inDirectory(settings_.directory, "log-next.part"); }

  SegmentsSettings settings_;
  Disk& disk_;
  Counts counts_;
  std::vector<Known> known_;
  File current_;
  uint64_t end_ = 0;    // bytes used of the current segment
  uint64_t limit_ = 0;  // and how many it may have
  uint64_t partly_ = 0;  // written of a write that is not done
  bool isDirty_ = false;
  bool allocates_ = true;  // whether the file system can
  File next_;
  uint64_t zeroed_ = 0;
  Failure failure_;
};

}  // namespace wal

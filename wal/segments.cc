#include "wal/segments.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>

#include "wal/assert.h"

namespace wal {

namespace {

constexpr uint64_t ZERO_BYTES = 128 << 10;
alignas(4096) constexpr uint8_t ZEROS[ZERO_BYTES] = {};

}  // namespace

/** What errno says about a call on a file: no room, or the end of this log's life. */
Done Segments::stop(const char* syscall, const std::string& path) {
  return isFull(errno) ? Done::full : stopForEver(syscall, path);
}

/** A sync that failed is final, also when it says that there is no room: what it wrote is not known. */
Done Segments::stopForEver(const char* syscall, const std::string& path) {
  const int error = errno;
  failCall(failure_, "DISK_FAILED", syscall, error,
           path + " could not be written, " + why(syscall, error) +
               ": what was appended last may be lost; look at that disk, then start the replica "
               "again, on another directory if the disk is broken");
  return Done::failed;
}

Done Segments::allocate(int file) {
  if (!allocates_ || disk_.allocate(file, settings_.segmentBytes) == 0) return Done::yes;
  if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL) return stop("fallocate", nextPath());
  allocates_ = false;
  return Done::yes;
}

Done Segments::resume(uint64_t end, uint64_t tornBytes) {
  require(!known_.empty(), "resume: there is a segment");
  const std::string path = pathOf(known_.back().number);
  current_ = File::open(path, O_RDWR);
  if (!current_.isOpen()) return stop("open", path);
  end_ = end;
  limit_ = end;
  // Zeros over what is cut. The rest of the file is zeros already, and stays allocated.
  for (uint64_t cut = 0; cut < tornBytes;) {
    const uint64_t bytes = std::min(ZERO_BYTES, tornBytes - cut);
    uint64_t done = 0;
    if (!writeAt(disk_, current_.descriptor(), ZEROS, bytes, end + cut, done))
      return stop("pwrite", path);
    cut += bytes;
  }
  if (allocate(current_.descriptor()) == Done::yes) limit_ = std::max(settings_.segmentBytes, end);
  if (disk_.sync(current_.descriptor()) != 0) return stopForEver("fdatasync", path);
  return failure_.sentence.empty() ? Done::yes : Done::failed;
}

Done Segments::prepare(uint64_t budgetBytes) {
  const std::string path = nextPath();
  if (!next_.isOpen()) {
    next_ = File::open(path, O_RDWR | O_CREAT | O_TRUNC);
    zeroed_ = 0;
    const Done made = next_.isOpen() ? allocate(next_.descriptor()) : stop("open", path);
    if (made != Done::yes) {
      next_.close();
      unlink(path.c_str());
      return made;
    }
  }
  if (!allocates_) zeroed_ = settings_.segmentBytes;
  for (uint64_t written = 0; written < budgetBytes && zeroed_ < settings_.segmentBytes;) {
    const uint64_t bytes = std::min(ZERO_BYTES, settings_.segmentBytes - zeroed_);
    uint64_t done = 0;
    // A file that is allocated and not zeroed works as well, if slower: the write tells.
    if (!writeAt(disk_, next_.descriptor(), ZEROS, bytes, zeroed_, done)) {
      zeroed_ = settings_.segmentBytes;
      break;
    }
    sync_file_range(next_.descriptor(), static_cast<off_t>(zeroed_), static_cast<off_t>(bytes),
                    SYNC_FILE_RANGE_WRITE);
    zeroed_ += bytes;
    written += bytes;
  }
  return Done::yes;
}

Done Segments::finish() {
  if (!current_.isOpen()) return Done::yes;
  if (limit_ == end_) return sync();
  const std::string path = pathOf(known_.back().number);
  if (current_.bytes() > end_ && ftruncate(current_.descriptor(), static_cast<off_t>(end_)) != 0)
    return stop("ftruncate", path);
  limit_ = end_;
  isDirty_ = true;
  return sync();
}

Done Segments::roll(const Position& position) {
  require(!current_.isOpen() || (limit_ == end_ && !isDirty_), "roll: the segment is finished");
  const Done made = prepare(0);
  return made == Done::yes ? name(position) : made;
}

/** The next segment becomes the current one: header first, then the name. */
Done Segments::name(const Position& position) {
  SegmentHeader header{};
  header.magic = SEGMENT_MAGIC;
  header.version = FORMAT_VERSION;
  header.replica = settings_.identity.replica;
  header.cluster = clusterHash(settings_.identity.cluster);
  header.number = known_.empty() ? 1 : known_.back().number + 1;
  header.ordinal = position.ordinal;
  header.chain = position.chain;
  header.lastCounter = position.lastCounter;
  header.accepted = position.accepted;
  header.current = position.current;
  header.checksum = headerChecksum(header);
  const std::string path = pathOf(header.number);
  uint64_t done = 0;
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&header);
  if (!writeAt(disk_, next_.descriptor(), bytes, sizeof header, 0, done))
    return stop("pwrite", path);
  if (disk_.sync(next_.descriptor()) != 0) {
    if (!isFull(errno)) return stopForEver("fdatasync", path);
    next_.close();  // nothing of the history is in it: another file is tried
    return Done::full;
  }
  if (rename(nextPath().c_str(), path.c_str()) != 0) return stop("rename", path);
  if (!syncDirectory(settings_.directory)) return stopForEver("fsync", settings_.directory);
  current_ = std::move(next_);
  end_ = sizeof header;
  limit_ = settings_.segmentBytes;
  isDirty_ = false;
  known_.push_back({header.number, header.lastCounter});
  counts_.set(Counter::segments, static_cast<double>(known_.size()));
  return Done::yes;
}

Done Segments::write(const uint8_t* from, uint64_t bytes) {
  require(end_ + bytes <= limit_, "write: the bytes fit the segment");
  isDirty_ = true;
  counts_.add(Counter::writes);
  if (!writeAt(disk_, current_.descriptor(), from, bytes, end_, partly_))
    return stop("pwrite", pathOf(known_.back().number));
  end_ += bytes;
  partly_ = 0;
  return Done::yes;
}

Done Segments::sync() {
  if (!isDirty_) return Done::yes;
  const uint64_t begin = microsNow();
  if (disk_.sync(current_.descriptor()) != 0)
    return stopForEver("fdatasync", pathOf(known_.back().number));
  isDirty_ = false;
  const double micros = static_cast<double>(microsNow() - begin);
  const double before = counts_.get(Counter::syncs);
  const double mean = counts_.get(Counter::syncMicrosMean);
  counts_.add(Counter::syncs);
  counts_.set(Counter::syncMicrosMean, mean + (micros - mean) / (before + 1));
  counts_.set(Counter::syncMicrosMax, std::max(micros, counts_.get(Counter::syncMicrosMax)));
  return Done::yes;
}

void Segments::close() {
  current_.close();
  if (next_.isOpen()) unlink(nextPath().c_str());
  next_.close();
}

void Segments::deleteBefore(uint64_t counter) {
  while (known_.size() > 1 && known_[1].lastCounter <= counter) {
    if (unlink(pathOf(known_[0].number).c_str()) != 0 && errno != ENOENT) return;
    known_.erase(known_.begin());
    counts_.add(Counter::segmentsDeleted);
  }
  counts_.set(Counter::segments, static_cast<double>(known_.size()));
}

}  // namespace wal

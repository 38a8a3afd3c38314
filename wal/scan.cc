#include "wal/scan.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

namespace wal {

namespace {

constexpr uint64_t BUFFER_BYTES = 1 << 20;
constexpr uint64_t SECTOR_BYTES = 512;
/** Records of one group are fewer: what is further on is not a record of this log. */
constexpr uint64_t ORDINALS_AHEAD_MAX = uint64_t{1} << 32;

bool isPlausible(const RecordHeader& header, uint64_t room) {
  return header.kind >= kind::ENTRY && header.kind <= kind::BASE && header.reserved == 0 &&
         header.reserved2 == 0 && header.payloadBytes <= PAYLOAD_BYTES_MAX &&
         recordBytes(header.payloadBytes) <= room;
}

bool isZero(const uint8_t* from, uint64_t bytes) {
  return bytes == 0 || (from[0] == 0 && std::memcmp(from, from + 1, bytes - 1) == 0);
}

/** Whether a part of [from, to), up to a sector's end, was never written. */
bool hasHole(const std::vector<uint8_t>& rest, uint64_t offset, uint64_t to) {
  for (uint64_t from = offset; from < to;) {
    const uint64_t end = (from / SECTOR_BYTES + 1) * SECTOR_BYTES;
    if (end > to) return false;
    if (isZero(rest.data() + (from - offset), end - from)) return true;
    from = end;
  }
  return false;
}

}  // namespace

bool SegmentReader::open(const std::string& path, uint64_t number, std::string& problem) {
  path_ = path;
  file_ = File::open(path, O_RDONLY);
  offset_ = sizeof(SegmentHeader);
  bufferBytes_ = 0;
  if (!file_.isOpen()) {
    problem = "it cannot be opened, " + why("open", errno);
    return false;
  }
  const int64_t bytes = readAt(file_.descriptor(), &header_, sizeof header_, 0);
  if (bytes < 0) {
    problem = "it cannot be read, " + why("pread", errno);
  } else if (bytes != sizeof header_ || header_.magic != SEGMENT_MAGIC ||
             header_.checksum != headerChecksum(header_)) {
    problem = "its header is not good";
  } else if (header_.version != FORMAT_VERSION) {
    problem = "it has format " + std::to_string(header_.version) + ", this version reads " +
              std::to_string(FORMAT_VERSION);
  } else if (header_.number != number) {
    problem = "its header says that it is segment " + std::to_string(header_.number);
  } else {
    return true;
  }
  return false;
}

/** Whether `bytes` from `offset` on are in the buffer now. */
bool SegmentReader::fill(uint64_t offset, uint64_t bytes) {
  const uint64_t end = bufferOffset_ + bufferBytes_;
  if (bufferBytes_ != 0 && offset >= bufferOffset_ && offset + bytes <= end) return true;
  if (buffer_.empty()) buffer_.resize(BUFFER_BYTES);
  const int64_t got = readAt(file_.descriptor(), buffer_.data(), buffer_.size(), offset);
  bufferOffset_ = offset;
  bufferBytes_ = got < 0 ? 0 : static_cast<uint64_t>(got);
  if (got < 0) problem_ = "it cannot be read, " + why("pread", errno);
  return bufferBytes_ >= bytes;
}

bool SegmentReader::good(const Position& position, Record& record) {
  problem_ = "it ends in the middle of a record";
  if (!fill(offset_, sizeof(RecordHeader))) return false;
  std::memcpy(&record.header, at(offset_), sizeof(RecordHeader));
  const RecordHeader& header = record.header;
  problem_ = "the header of a record is not good";
  if (!isPlausible(header, PAYLOAD_BYTES_MAX + sizeof(RecordHeader) + 8)) return false;
  const uint64_t bytes = recordBytes(header.payloadBytes);
  problem_ = "it ends in the middle of a record";
  if (!fill(offset_, bytes)) return false;
  problem_ = "the checksum of a record is wrong";
  if (header.chain != recordChecksum(at(offset_), bytes)) return false;
  problem_ = "a record does not follow the one before it";
  if (header.ordinal != position.ordinal + 1 || header.before != position.chain) return false;
  problem_.clear();
  record.payload = at(offset_) + sizeof(RecordHeader);
  record.offset = offset_;
  return true;
}

Found SegmentReader::look(const Position& position, bool isLast, Record& record) {
  if (good(position, record)) return Found::record;
  if (offset_ >= file_.bytes()) return Found::end;
  if (!isLast) return Found::damage;
  const Found verdict = judge(position);
  if (verdict == Found::end) return verdict;
  const std::string problem = problem_;
  bufferBytes_ = 0;
  if (good(position, record)) return Found::record;
  problem_ = problem;
  return verdict;
}

Found SegmentReader::judge(const Position& position) {
  const uint64_t fileBytes = file_.bytes();
  std::vector<uint8_t> rest(fileBytes - offset_);
  const int64_t got = readAt(file_.descriptor(), rest.data(), rest.size(), offset_);
  if (got < 0) {
    problem_ = "it cannot be read, " + why("pread", errno);
    return Found::damage;
  }
  rest.resize(static_cast<size_t>(got));
  const auto last = std::find_if(rest.rbegin(), rest.rend(), [](uint8_t byte) { return byte != 0; });
  tornBytes_ = static_cast<uint64_t>(rest.rend() - last);
  if (tornBytes_ == 0) return Found::end;

  const uint64_t bad = position.ordinal + 1;
  uint64_t firstGood = 0;
  for (uint64_t at = 8; at + sizeof(RecordHeader) <= rest.size();) {
    RecordHeader header;
    std::memcpy(&header, rest.data() + at, sizeof header);
    const bool maybe = isPlausible(header, rest.size() - at) && header.ordinal > bad &&
                       header.ordinal - bad < ORDINALS_AHEAD_MAX;
    const uint64_t bytes = recordBytes(header.payloadBytes);
    if (!maybe || header.chain != recordChecksum(rest.data() + at, bytes)) {
      at += 8;
      continue;
    }
    if (header.durable >= bad) return Found::damage;
    if (firstGood == 0) firstGood = at;
    at += bytes;
  }
  if (firstGood == 0 || hasHole(rest, offset_, offset_ + firstGood)) return Found::torn;
  return Found::damage;
}

}  // namespace wal

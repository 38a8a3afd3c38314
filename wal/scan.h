/**
 * Reads one segment record by record, and judges the first one that is not good.
 *
 * A torn end is what a crash leaves: the last group of records, whose sync had not returned, written
 * in part. It is cut, and nobody was promised it. Damage is anything else. A bad record n is
 *   damage  when a record behind it was written knowing that n was durable;
 *   torn    when no good record is behind it;
 *   torn    when good records of its own group are behind it and some sector between was never
 *           written: devices write sectors in any order;
 *   damage  otherwise: all of it was written, and not what is there now.
 * A record may be written while this reads (zabkv inspect beside a running replica): a bad one is
 * read once more before it is called anything.
 */
#pragma once

#include <string>
#include <vector>

#include "wal/files.h"
#include "wal/format.h"

namespace wal {

enum class Found { record, end, torn, damage };

/** A record as it lies in the reader's buffer, until the next call. */
struct Record {
  RecordHeader header{};
  const uint8_t* payload = nullptr;
  uint64_t offset = 0;  // in its segment
};

class SegmentReader {
 public:
  /** False: it cannot be opened or its header is not good; `problem` says which. */
  bool open(const std::string& path, uint64_t number, std::string& problem);
  const SegmentHeader& header() const { return header_; }
  const std::string& path() const { return path_; }
  /** Where the next record lies. */
  uint64_t offset() const { return offset_; }

  /** What lies at offset(), if it is what follows `position`. Does not move. */
  Found look(const Position& position, bool isLast, Record& record);
  /** Moves behind the record that was looked at. */
  void advance(const Record& record) { offset_ += recordBytes(record.header.payloadBytes); }
  /** After torn: bytes from offset() on that are not zero. */
  uint64_t tornBytes() const { return tornBytes_; }
  /** After damage: what is wrong with the record. */
  const std::string& problem() const { return problem_; }

 private:
  bool good(const Position& position, Record& record);
  bool fill(uint64_t offset, uint64_t bytes);
  const uint8_t* at(uint64_t offset) const { return buffer_.data() + (offset - bufferOffset_); }
  Found judge(const Position& position);

  std::string path_;
  File file_;
  SegmentHeader header_{};
  uint64_t offset_ = 0;
  uint64_t tornBytes_ = 0;
  std::string problem_;
  std::vector<uint8_t> buffer_;  // of the file, from bufferOffset_, bufferBytes_ of it
  uint64_t bufferOffset_ = 0;
  uint64_t bufferBytes_ = 0;
};

}  // namespace wal

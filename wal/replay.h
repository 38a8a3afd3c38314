/**
 * All records of a data directory in order: for recovery, and for zabkv inspect. Reads only.
 */
#pragma once

#include <string>

#include "wal/directory.h"
#include "wal/scan.h"

namespace wal {

class Replay {
 public:
  /** `listing`: what lies in the directory, by its names; `identity`: whose it should be. */
  Replay(std::string directory, const Identity& identity, Listing listing);

  /**
   * The next record's kind and the record. END: no more, see tornBytes(). DAMAGE: see problem();
   * from then on always. NO_ROOM: its payload is larger than `payloadBytesMax`, nothing was taken.
   */
  uint16_t next(uint64_t payloadBytesMax, Record& record);

  /** Header of the segment that is read; null before the first and when there is none. */
  const SegmentHeader* segment() const { return isOpen_ ? &reader_.header() : nullptr; }
  /** Where its next record would lie. */
  uint64_t offset() const { return isOpen_ ? reader_.offset() : 0; }
  const Position& position() const { return position_; }
  uint64_t tornBytes() const { return tornBytes_; }
  const std::string& problem() const { return problem_; }
  /** The segment that is damaged or missing, and where. */
  uint64_t damagedNumber() const { return number_; }
  uint64_t damagedOffset() const { return damagedOffset_; }
  /** After DAMAGE: what is damaged is gone, the log ends before it. */
  void endHere();
  const Listing& listing() const { return listing_; }

 private:
  void seek(uint64_t number);
  bool openNext();
  uint16_t damaged(const std::string& what, uint64_t offset);
  bool nextFollows();

  std::string directory_;
  Identity identity_;
  Listing listing_;
  SegmentReader reader_;
  bool isOpen_ = false;
  bool isOver_ = false;
  size_t index_ = 0;  // in listing.segments, of the next segment to open
  uint64_t number_ = 0;  // of the segment that is read, or of that which is damaged
  uint64_t damagedOffset_ = 0;
  Position position_;
  uint64_t tornBytes_ = 0;
  std::string problem_;
};

}  // namespace wal

#include "wal/replay.h"

#include <utility>

namespace wal {

Replay::Replay(std::string directory, const Identity& identity, Listing listing)
    : directory_(std::move(directory)), identity_(identity), listing_(std::move(listing)) {}

uint16_t Replay::damaged(const std::string& what, uint64_t offset) {
  damagedOffset_ = offset;
  problem_ = inDirectory(directory_, segmentName(number_)) + " is damaged at byte " +
             std::to_string(offset) + " (record " + std::to_string(position_.ordinal + 1) + "): " +
             what + "; let the replica synchronise from its peers, which sets it aside, or restore "
                    "that file";
  return kind::DAMAGE;
}

/**
 * A list that was made while a replica made segments may lack some that are between others: what is
 * there is on the list.
 */
void Replay::seek(uint64_t number) {
  const bool isListed = listing_.segments[index_] == number;
  if (isListed || !exists(inDirectory(directory_, segmentName(number)))) return;
  listing_.segments.insert(listing_.segments.begin() + static_cast<int64_t>(index_), number);
}

/** Opens the next segment, which follows the position. False: problem_ says why it does not. */
bool Replay::openNext() {
  const bool isFirst = index_ == 0;
  if (!isFirst) seek(number_ + 1);
  const uint64_t number = listing_.segments[index_];
  const bool isMissing = !isFirst && number != number_ + 1;
  number_ = isFirst ? number : number_ + 1;
  SegmentReader next;
  std::string what = "it is missing";
  if (isMissing || !next.open(inDirectory(directory_, segmentName(number)), number, what)) {
    damaged(what, 0);
    return false;
  }
  const SegmentHeader& header = next.header();
  if (header.cluster != clusterHash(identity_.cluster) || header.replica != identity_.replica) {
    damaged("it belongs to another cluster or replica", 0);
  } else if (isFirst) {
    const bool isCovered = header.lastCounter == 0 ||
                           (!listing_.snapshots.empty() &&
                            listing_.snapshots.back().counter >= header.lastCounter);
    if (!isCovered) damaged("the segments before it are missing, and no snapshot covers them", 0);
    if (isCovered) position_ = {header.ordinal, header.chain, header.lastCounter, header.accepted,
                                header.current};
  } else if (header.ordinal != position_.ordinal || header.chain != position_.chain) {
    damaged("it does not follow the segment before it", 0);
  }
  if (!problem_.empty()) return false;
  reader_ = std::move(next);
  isOpen_ = true;
  ++index_;
  return true;
}

void Replay::endHere() {
  problem_.clear();
  tornBytes_ = 0;
  isOver_ = true;
}

/** Whether the next segment says that this one ends here. */
bool Replay::nextFollows() {
  SegmentReader next;
  std::string what;
  seek(number_ + 1);
  const uint64_t number = listing_.segments[index_];
  return next.open(inDirectory(directory_, segmentName(number)), number, what) &&
         next.header().ordinal == position_.ordinal && next.header().chain == position_.chain;
}

uint16_t Replay::next(uint64_t payloadBytesMax, Record& record) {
  for (;;) {
    if (!problem_.empty()) return kind::DAMAGE;
    if (isOver_) return kind::END;
    const bool isLast = index_ == listing_.segments.size();
    if (!isOpen_) {
      isOver_ = isLast;
      if (isLast || !openNext()) continue;
    }
    switch (reader_.look(position_, index_ == listing_.segments.size(), record)) {
      case Found::record:
        if (record.header.payloadBytes > payloadBytesMax) return kind::NO_ROOM;
        reader_.advance(record);
        position_.follow(record.header);
        return record.header.kind;
      case Found::torn:
        tornBytes_ = reader_.tornBytes();
        isOver_ = true;
        break;
      case Found::end:
        if (index_ == listing_.segments.size()) {
          isOver_ = true;
        } else if (!openNext()) {
          return kind::DAMAGE;
        }
        break;
      case Found::damage:
        if (index_ == listing_.segments.size() || !nextFollows())
          return damaged(reader_.problem(), reader_.offset());
        if (!openNext()) return kind::DAMAGE;
        break;
    }
  }
}

}  // namespace wal

/**
 * Packs records into entries: datagrams with room for HEADER and 16 bytes more, which the caller
 * fills in.
 *
 * Records are never split. An entry that cannot take the next record is closed as full and takes a
 * whole datagram on the wire, so that a burst of entries is uniform; the last one is cut to a
 * multiple of 64.
 */
#pragma once

#include "machine/counters.h"
#include "machine/operations.h"

namespace machine {

class Packer {
 public:
  Packer(uint8_t* slab, uint32_t datagramBytes, uint32_t* rows, uint32_t rowsMax,
         Counters& counters)
      : slab_(slab),
        datagramBytes_(datagramBytes),
        rows_(rows),
        rowsMax_(rowsMax),
        counters_(counters) {}

  /**
   * Entries are written into `bytes` from `offset` on. forwardSequence 0: they become PROPOSEs.
   * `refusing`, of PROPOSEs only: REFUSED stands for every write that needs room.
   */
  void begin(uint32_t offset, uint32_t bytes, uint64_t forwardSequence, bool refusing);

  /** Room for whatever one more datagram of records may need: the entry in work and a fresh one. */
  bool hasRoom() const {
    return end_ - at_ >= 2 * uint64_t{datagramBytes_} && count_ + 2 <= rowsMax_;
  }

  /** Starts a record whose operations will take at most `bytesMax`. The header is written by
   * `finish`. */
  uint8_t* start(uint32_t bytesMax, uint32_t operationsMax) {
    const uint32_t needed = sizeof(wire::Record) + bytesMax;
    if (used_ + needed > limit() || operations_ + operationsMax > wire::DATAGRAM_OPERATIONS_MAX)
      closeFull();
    return entry() + used_ + sizeof(wire::Record);
  }

  /** Puts the operations in at[0, bytes) into the record, at `out`; returns where the next go. */
  uint8_t* copy(uint8_t* out, const uint8_t* at, size_t bytes) const {
    if (__builtin_expect(refusing_, 0)) return copyRefusing(out, at, bytes);
    std::memcpy(out, at, bytes);
    return out + bytes;
  }

  /** Ends the record: `head` with its bytes and forward sequence set here, written before its
   * operations. */
  void finish(wire::Record head, uint32_t operationsBytes, bool stamped) {
    head.bytes = sizeof(wire::Record) + operationsBytes;
    if (stamped) head.operation = forwardSequence_;
    wire::store(entry() + used_, head);
    used_ += head.bytes;
    operations_ += head.count;
    dirty_ = true;
  }

  /** Ends the span; returns how many rows of {offset, bytes, length, operations} there are. */
  uint32_t end();

 private:
  static constexpr uint32_t ROW_WORDS = 4;

  uint8_t* entry() const { return slab_ + at_; }
  uint32_t limit() const { return datagramBytes_ - wire::TAG_BYTES; }
  static uint8_t* copyRefusing(uint8_t* out, const uint8_t* at, size_t bytes);
  void closeFull();
  void close(uint32_t bytes);

  uint8_t* slab_;
  uint32_t datagramBytes_;
  uint32_t* rows_;
  uint32_t rowsMax_;
  Counters& counters_;

  uint64_t at_ = 0;   // where the entry in work begins
  uint64_t end_ = 0;  // of the span
  uint32_t used_ = wire::BODY_OFFSET;
  uint32_t operations_ = 0;
  uint32_t count_ = 0;
  uint64_t forwardSequence_ = 0;
  bool refusing_ = false;
  bool dirty_ = false;  // the entry in work has a record
};

}  // namespace machine

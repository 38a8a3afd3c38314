// The receive ladder: what a datagram must be before JavaScript hears of it, and how one is sealed.
//
// Nothing the network says is asserted: each rung drops with its own count.
#pragma once

#include <algorithm>
#include <cstdint>

#include "machine/wire.h"
#include "mica/hash.h"
#include "verbs-addon/counters.h"
#include "verbs-addon/endpoint.h"

namespace endpoint {

inline constexpr uint32_t LENGTH_MIN = sizeof(wire::Header) + wire::TAG_BYTES;
inline constexpr uint32_t CHECKSUM_FROM =
    8;  // bytes [8, length); what lies before is the seed and the sum itself

inline uint32_t checksumOf(const uint8_t* datagram, uint32_t length) {
  const uint32_t seed = wire::load<uint32_t>(datagram);
  return mica::fold32(mica::hash64(datagram + CHECKSUM_FROM, length - CHECKSUM_FROM, seed));
}

inline bool lengthFits(uint32_t length, uint32_t room) {
  return length >= LENGTH_MIN && length % 4 == 0 && length <= room;
}

// Writes the checksum. False when the header's length does not fit the row: the caller's mistake.
inline bool seal(uint8_t* datagram, uint32_t rowLength) {
  const uint32_t length = wire::load<wire::Header>(datagram).length;
  if (!lengthFits(length, rowLength)) return false;
  wire::store<uint32_t>(datagram + offsetof(wire::Header, checksum), checksumOf(datagram, length));
  return true;
}

// The counter to raise: rxDatagrams when the datagram is good. What is longer than a slot of this
// endpoint is not: whoever keeps a datagram copies it into one.
inline Counter judge(const uint8_t* datagram, uint32_t received, uint32_t lengthMax,
                     uint32_t cluster) {
  if (received < sizeof(wire::Header)) return Counter::droppedTruncated;
  const wire::Header header = wire::load<wire::Header>(datagram);
  if (header.magic != wire::MAGIC) return Counter::droppedBadMagic;
  if (header.version != wire::VERSION) return Counter::droppedBadVersion;
  if (!lengthFits(header.length, std::min(received, lengthMax))) return Counter::droppedBadLength;
  if (header.cluster != cluster) return Counter::droppedWrongCluster;
  if (checksumOf(datagram, header.length) != header.checksum) return Counter::droppedBadChecksum;
  return Counter::rxDatagrams;
}

// The fault knob: drops a share of datagrams, the same ones for the same seed.
class Fault {
 public:
  Fault(double ratio, uint32_t seed, uint32_t queue)
      : below_(static_cast<uint64_t>(std::clamp(ratio, 0.0, 1.0) * 4294967296.0)),
        state_((uint64_t{seed} + 1) * 0x9e3779b97f4a7c15u ^
               (uint64_t{queue} + 1) * 0xbf58476d1ce4e5b9u) {
    if (state_ == 0) state_ = 1;
    for (int round = 0; round < 8; round++) next();  // small seeds differ in few bits
  }
  bool strikes() { return below_ != 0 && (next() >> 32) < below_; }

 private:
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1du;
  }
  uint64_t below_;
  uint64_t state_;
};

// One queue's receive rows of the current burst.
class RxGate {
 public:
  RxGate(const uint8_t* base, RxRow* rows, uint32_t rowsMax, uint32_t lengthMax, uint32_t cluster,
         Counters counters, Fault fault)
      : base_(base),
        rows_(rows),
        rowsMax_(rowsMax),
        lengthMax_(lengthMax),
        cluster_(cluster),
        counters_(counters),
        fault_(fault) {}

  void begin() {
    count_ = 0;
    bytes_ = 0;
  }
  bool hasRoom() const { return count_ < rowsMax_; }
  uint32_t room() const { return rowsMax_ - count_; }
  uint32_t count() const { return count_; }

  void admit(uint64_t offset, uint32_t received, uint32_t source) {
    if (fault_.strikes()) return counters_.add(Counter::droppedByFault);
    if (offset % 4 != 0) return counters_.add(Counter::droppedMisaligned);
    const uint8_t* datagram = base_ + offset;
    const Counter verdict = judge(datagram, received, lengthMax_, cluster_);
    if (verdict != Counter::rxDatagrams) return counters_.add(verdict);
    const wire::Header header = wire::load<wire::Header>(datagram);
    rows_[count_++] = RxRow{static_cast<uint32_t>(offset), header.length, header.kind, source};
    bytes_ += received;
  }
  void end() {
    counters_.add(Counter::rxDatagrams, count_);
    counters_.add(Counter::rxBytes, static_cast<double>(bytes_));
    if (count_ == 0) counters_.add(Counter::rxEmpty);
  }
  const RxRow& row(uint32_t index) const { return rows_[index]; }

 private:
  const uint8_t* base_;
  RxRow* rows_;
  uint32_t rowsMax_;
  uint32_t lengthMax_;
  uint32_t count_ = 0;
  uint64_t bytes_ = 0;
  uint32_t cluster_;
  Counters counters_;
  Fault fault_;
};

// A row the caller wrote: inside the slab, aligned, of a size that a slot has.
inline bool rowFits(const TxRow& row, uint64_t slabBytes, uint32_t datagramBytes) {
  return row.offset % 4 == 0 && row.length >= LENGTH_MIN && row.length <= datagramBytes &&
         uint64_t{row.offset} + row.length <= slabBytes;
}

}  // namespace endpoint

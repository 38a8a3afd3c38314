/**
 * The bytes on disk: segments of records, and snapshots of parts. Little endian.
 *
 * A segment is a SegmentHeader and records, one after another; a record is a RecordHeader and a
 * payload, padded with zeros to whole words. Each record names the checksum of the one before, so
 * that none can be missing unnoticed, and stands for itself too (its checksum needs nothing else),
 * so that recovery can tell a torn end from damage: see scan.h.
 */
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <type_traits>

#include "mica/hash.h"

namespace wal {

static_assert(std::endian::native == std::endian::little, "structs are written as they lie");

/** What a record says. */
namespace kind {
inline constexpr uint16_t END = 0;       // nothing more: returned, never written
inline constexpr uint16_t ENTRY = 1;     // one proposal
inline constexpr uint16_t EPOCHS = 2;    // `previous`: acceptedEpoch, `epoch`: currentEpoch
inline constexpr uint16_t TRUNCATE = 3;  // entries beyond `counter` are void
inline constexpr uint16_t BASE = 4;      // the history begins after the snapshot (counter, epoch)
inline constexpr uint16_t NO_ROOM = 8;   // returned: the payload is larger than the room given
inline constexpr uint16_t DAMAGE = 9;    // returned: what is next is damaged
}  // namespace kind

struct SegmentHeader {
  uint64_t magic;        // SEGMENT_MAGIC
  uint32_t version;      // FORMAT_VERSION
  uint32_t replica;      //
  uint64_t cluster;      // hash of the cluster's name
  uint64_t number;       // of this segment; without a hole, also in the file's name
  uint64_t ordinal;      // of the last record before this segment: that one is durable
  uint64_t chain;        // checksum of that record; 0: there is none
  uint64_t lastCounter;  // last counter of the history as it was then
  uint32_t accepted;     // epochs as they were then, so that older segments can be deleted
  uint32_t current;
  uint64_t checksum;  // of the bytes before it
};
static_assert(sizeof(SegmentHeader) == 72);
static_assert(std::has_unique_object_representations_v<SegmentHeader>, "no implicit padding");

struct RecordHeader {
  uint64_t chain;         // checksum of the rest of the record
  uint64_t before;        // `chain` of the record before
  uint64_t ordinal;       // of this record in the log's whole life, from 1
  uint64_t durable;       // ordinal that was known to be durable when this record was written
  uint64_t counter;       // ENTRY: of the first operation
  uint64_t time;          // ENTRY: microseconds since 1970
  uint64_t committed;     // ENTRY: last committed counter when it was appended
  uint32_t payloadBytes;  // without the padding
  uint32_t count;         // ENTRY: operations
  uint32_t epoch;
  uint32_t previous;  // ENTRY: epoch of the proposal before
  uint16_t kind;
  uint16_t reserved;
  uint32_t reserved2;
};
static_assert(sizeof(RecordHeader) == 80);
static_assert(std::has_unique_object_representations_v<RecordHeader>, "no implicit padding");

struct SnapshotHeader {
  uint64_t magic;  // SNAPSHOT_MAGIC
  uint32_t version;
  uint32_t replica;
  uint64_t cluster;
  uint64_t counter;  // of the last operation that the snapshot contains
  uint32_t epoch;    // of that operation
  uint32_t reserved;
  uint64_t checksum;  // of the bytes before it
};
static_assert(sizeof(SnapshotHeader) == 48);
static_assert(std::has_unique_object_representations_v<SnapshotHeader>, "no implicit padding");

/** Before each part of a snapshot. The last has no bytes: a snapshot without it is not finished. */
struct PartHeader {
  uint64_t chain;  // checksum of the rest of this header and the padded part, seeded with the last
  uint32_t bytes;
  uint32_t index;  // of this part, from 0
};
static_assert(sizeof(PartHeader) == 16);
static_assert(std::has_unique_object_representations_v<PartHeader>, "no implicit padding");

inline constexpr uint64_t SEGMENT_MAGIC = 0x676f6c766b62617a;   // "zabkvlog"
inline constexpr uint64_t SNAPSHOT_MAGIC = 0x706e73766b62617a;  // "zabkvsnp"
inline constexpr uint32_t FORMAT_VERSION = 1;
inline constexpr uint64_t CHECKSUM_SEED = 0xc0ac29b7c97c50dd;
/** A payload is a datagram without its header. */
inline constexpr uint32_t PAYLOAD_BYTES_MAX = 65472;
inline constexpr uint64_t SEGMENT_BYTES_MIN = 128 << 10;
inline constexpr uint64_t SEGMENT_BYTES_MAX = uint64_t{1} << 30;

inline constexpr uint64_t padded(uint64_t bytes) { return (bytes + 7) & ~uint64_t{7}; }
inline constexpr uint64_t recordBytes(uint32_t payloadBytes) {
  return sizeof(RecordHeader) + padded(payloadBytes);
}
static_assert(sizeof(SegmentHeader) + recordBytes(PAYLOAD_BYTES_MAX) <= SEGMENT_BYTES_MIN);

/** Of a record as it lies, `bytes` whole. */
inline uint64_t recordChecksum(const uint8_t* record, uint64_t bytes) {
  return mica::hash64(record + sizeof(uint64_t), bytes - sizeof(uint64_t), CHECKSUM_SEED);
}

/** Of a header whose last field is its checksum. */
template <typename Header>
uint64_t headerChecksum(const Header& header) {
  return mica::hash64(&header, sizeof(Header) - sizeof(uint64_t), CHECKSUM_SEED);
}

inline uint64_t clusterHash(const std::string& name) {
  return mica::hash64(name.data(), name.size(), CHECKSUM_SEED);
}

/** Whose data it is. */
struct Identity {
  std::string cluster;
  uint32_t replica = 0;
};

/** What is known after a record: what the next one must follow, and what a segment starts with. */
struct Position {
  uint64_t ordinal = 0;
  uint64_t chain = 0;
  uint64_t lastCounter = 0;
  uint32_t accepted = 0;
  uint32_t current = 0;

  void follow(const RecordHeader& record) {
    ordinal = record.ordinal;
    chain = record.chain;
    if (record.kind == kind::ENTRY) lastCounter = record.counter + record.count - 1;
    if (record.kind == kind::TRUNCATE || record.kind == kind::BASE) lastCounter = record.counter;
    if (record.kind != kind::EPOCHS) return;
    accepted = record.previous;
    current = record.epoch;
  }
};

}  // namespace wal

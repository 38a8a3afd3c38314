// The writing half of codec.h.

#include <algorithm>

#include "machine/codec.h"
#include "machine/operations.h"

namespace machine {

namespace {

/** What the columns say about one operation. */
struct Source {
  uint8_t kind;
  uint8_t traits;
  uint32_t keyBytes;
  uint32_t valueBytes;
  const uint8_t* key;
  const uint8_t* value;
  const uint8_t* prefix;  // null where it is a version
};

/** The sizes that matter most are copied without a call. */
inline void copy(uint8_t* to, const uint8_t* from, uint32_t bytes) {
  if (bytes == 8) {
    std::memcpy(to, from, 8);
  } else if (bytes == 32) {
    std::memcpy(to, from, 32);
  } else if (bytes != 0) {
    std::memcpy(to, from, bytes);
  }
}

/** SET_IF and DELETE_IF have a version for a prefix, all others have one of their own column. */
bool isVersioned(uint8_t kind) {
  return kind == wire::op::SET_IF || kind == wire::op::DELETE_IF;
}

bool validPrefixOf(const OperationColumns& columns, uint32_t i, uint8_t kind) {
  if (columns.prefixes == nullptr) return false;
  const uint8_t* const prefix = columns.prefixes + size_t{i} * PREFIX_BYTES_MAX;
  if (kind == wire::op::FLUSH) return wire::load<wire::Flush>(prefix).reserved == 0;
  return validItem(prefix, kind);
}

bool validVersion(const OperationColumns& columns, uint32_t i) {
  if (columns.versions == nullptr) return false;
  const double version = columns.versions[i];
  return version >= 0 && version <= static_cast<double>(wire::COUNTER_MAX);
}

/** False when the columns contradict themselves. */
inline bool sourceAt(const OperationColumns& columns, uint32_t i, const Encoding& cursors,
                     Source& source) {
  source.kind = columns.kind(i);
  source.traits = TRAITS[source.kind];
  if ((source.traits & (trait::KNOWN | trait::ORDERED)) != trait::KNOWN) return false;
  if (source.kind == wire::op::FRAGMENT) return false;
  source.keyBytes = (source.traits & trait::KEYED) != 0 ? columns.keyBytesAt(i) : 0;
  source.valueBytes = (source.traits & trait::VALUED) != 0 ? columns.valueBytesAt(i) : 0;
  if ((source.traits & trait::KEYED) != 0 && source.keyBytes - 1u >= wire::KEY_BYTES_MAX)
    return false;
  if (source.valueBytes > wire::VALUE_BYTES_MAX) return false;
  if (cursors.keyCursor + source.keyBytes > columns.keysBytes) return false;
  if (cursors.valueCursor + source.valueBytes > columns.valuesBytes) return false;
  source.prefix = nullptr;
  if (source.kind == wire::op::USED && source.valueBytes % sizeof(uint64_t) != 0) return false;
  if ((source.traits & trait::PREFIXED) != 0) {
    const bool versioned = isVersioned(source.kind);
    if (!(versioned ? validVersion(columns, i) : validPrefixOf(columns, i, source.kind)))
      return false;
    if (!versioned) source.prefix = columns.prefixes + size_t{i} * PREFIX_BYTES_MAX;
  }
  source.key = columns.keys + cursors.keyCursor;
  source.value = columns.values + cursors.valueCursor;
  return true;
}

}  // namespace

Encoded encode(const OperationColumns& columns, uint32_t from, Encoding& encoding, uint8_t* out,
               uint32_t bytes) {
  for (uint32_t i = from; i < columns.count && encoding.operations < wire::DATAGRAM_OPERATIONS_MAX;
       ++i) {
    Source source;
    if (!sourceAt(columns, i, encoding, source)) return Encoded::contradiction;
    if (source.valueBytes > UINT16_MAX) break;
    const wire::Operation head{source.kind, static_cast<uint8_t>(source.keyBytes),
                               static_cast<uint16_t>(source.valueBytes)};
    const uint32_t size = operationBytes(head);
    if (size > bytes - encoding.bytes) break;
    uint8_t* at = out + encoding.bytes;
    wire::store(at + size - 4, uint32_t{0});  // the padding
    wire::store(at, head);
    at += sizeof head;
    if ((source.traits & trait::PREFIXED) != 0) {
      if (source.prefix == nullptr) {
        wire::store(at, static_cast<uint64_t>(columns.versions[i]));
      } else {
        std::memcpy(at, source.prefix, PREFIXES[source.kind]);
      }
      at += PREFIXES[source.kind];
    }
    copy(at, source.key, source.keyBytes);
    copy(at + source.keyBytes, source.value, source.valueBytes);
    encoding.bytes += size;
    encoding.operations += 1;
    encoding.writes += !isRead(source.kind);
    encoding.keyCursor += source.keyBytes;
    encoding.valueCursor += source.valueBytes;
  }
  return Encoded::ok;
}

namespace {

/** Of the wide form: a version is in its header. */
uint32_t prefixBytesOf(const Source& source) {
  return (source.traits & trait::ITEM) != 0 ? PREFIXES[source.kind] : 0;
}

/** Copies bytes [done, done + bytes) of the wide form: its header, a prefix, the key, the value. */
void copyWide(const Source& source, const wire::Wide& wide, uint32_t done, uint8_t* out,
              uint32_t bytes) {
  const struct {
    const uint8_t* from;
    uint32_t bytes;
  } pieces[] = {{reinterpret_cast<const uint8_t*>(&wide), sizeof wide},
                {source.prefix, prefixBytesOf(source)},
                {source.key, source.keyBytes},
                {source.value, source.valueBytes}};
  uint32_t start = 0;
  for (const auto& piece : pieces) {
    const uint32_t first = std::max(done, start);
    const uint32_t last = std::min(done + bytes, start + piece.bytes);
    if (first < last) std::memcpy(out + (first - done), piece.from + (first - start), last - first);
    start += piece.bytes;
  }
}

}  // namespace

Encoded encodeFragment(const OperationColumns& columns, uint32_t index, uint32_t& done,
                       uint32_t& total, Encoding& encoding, uint8_t* out, uint32_t bytes) {
  Source source;
  if (index >= columns.count || !sourceAt(columns, index, encoding, source))
    return Encoded::contradiction;
  if ((source.traits & trait::VALUED) == 0) return Encoded::contradiction;
  if (source.kind == wire::op::USED) return Encoded::contradiction;
  const bool conditional = isVersioned(source.kind);
  const wire::Wide wide{source.kind, static_cast<uint8_t>(source.keyBytes), 0, source.valueBytes,
                        conditional ? static_cast<uint64_t>(columns.versions[index]) : 0};
  total = sizeof wide + prefixBytesOf(source) + source.keyBytes + source.valueBytes;
  if (done >= total) return Encoded::contradiction;
  constexpr uint32_t head = sizeof(wire::Operation) + sizeof(wire::Fragment);
  if (bytes < head + 4) return Encoded::ok;
  const uint32_t room = std::min((bytes - head) & ~3u, uint32_t{UINT16_MAX} & ~3u);
  const uint32_t chunk = std::min(total - done, room);
  const uint32_t size = head + wire::padded(chunk);
  wire::store(out + size - 4, uint32_t{0});
  wire::store(out, wire::Operation{wire::op::FRAGMENT, 0, static_cast<uint16_t>(chunk)});
  wire::store(out + sizeof(wire::Operation), wire::Fragment{total, done});
  copyWide(source, wide, done, out + head, chunk);
  done += chunk;
  encoding.bytes = size;
  encoding.operations = encoding.writes = 1;
  if (done < total) return Encoded::ok;
  encoding.keyCursor += source.keyBytes;
  encoding.valueCursor += source.valueBytes;
  return Encoded::ok;
}

}  // namespace machine

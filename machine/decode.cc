// The reading half of codec.h.

#include <algorithm>

#include "machine/assert.h"
#include "machine/codec.h"
#include "machine/copy_value.h"

namespace machine {

namespace {

/** A value, with what GET_ITEM and FETCH put before it. */
constexpr uint32_t ANSWER_BYTES_MAX = wire::VALUE_BYTES_MAX + sizeof(wire::ItemHead);

/** What a well-formed reply record brings. */
struct Measure {
  uint64_t answers = 0;
  uint64_t valueBytes = 0;  // room that its values take
};

/** Bytes of the result at `at` with what follows it; 0 when malformed. Adds to `measure`. */
inline uint64_t measureResult(const uint8_t* at, uint64_t room, wire::Result& result,
                              Measure& measure) {
  if (room < sizeof result) return 0;
  result = wire::load<wire::Result>(at);
  if (result.status > wire::status::MAX || result.flags != 0 || result.version > wire::COUNTER_MAX)
    return 0;
  uint64_t bytes = sizeof result;
  if (result.tag == wire::tag::RUN) {
    if (result.bytes == 0 || result.version + result.bytes > wire::COUNTER_MAX) return 0;
    measure.answers += result.bytes;
    return bytes;
  }
  if (result.tag == wire::tag::STATUS) {
    measure.answers += 1;
    return result.bytes == 0 ? bytes : 0;
  }
  if (result.status != wire::status::OK || result.bytes > ANSWER_BYTES_MAX) return 0;
  if (result.tag == wire::tag::VALUE) {
    bytes += wire::padded(result.bytes);
    measure.answers += 1;
    measure.valueBytes += result.bytes;
    return bytes <= room ? bytes : 0;
  }
  if (result.tag != wire::tag::PART || room < bytes + sizeof(wire::Part)) return 0;
  const auto part = wire::load<wire::Part>(at + bytes);
  if (part.bytes == 0 || part.offset > result.bytes || part.bytes > result.bytes - part.offset)
    return 0;
  bytes += sizeof part + wire::padded(part.bytes);
  measure.answers += part.offset + part.bytes == result.bytes;
  if (part.offset == 0) measure.valueBytes += result.bytes;
  return bytes <= room ? bytes : 0;
}

/** Validates a reply record in at[0, room). `visit(result, at)` returns false to refuse one. */
template <typename Visit>
bool walkResults(const uint8_t* at, uint64_t room, wire::ReplyRecord& head, Measure& measure,
                 Visit&& visit) {
  if (room < sizeof head) return false;
  head = wire::load<wire::ReplyRecord>(at);
  if (head.bytes % 4 != 0 || head.bytes <= sizeof head || head.bytes > room || head.flags != 0)
    return false;
  if (head.session > wire::COUNTER_MAX) return false;
  if (head.session != 0 && head.operation > wire::COUNTER_MAX - head.count) return false;
  for (uint64_t offset = sizeof head; offset < head.bytes;) {
    wire::Result result;
    const uint64_t bytes = measureResult(at + offset, head.bytes - offset, result, measure);
    if (bytes == 0 || measure.answers > head.count || !visit(result, at + offset, measure))
      return false;
    offset += bytes;
  }
  return measure.answers == head.count;
}

inline void setRow(const ResultColumns& results, uint64_t row, uint8_t status, uint64_t version,
                   uint32_t valueOffset, uint32_t valueBytes) {
  results.statuses[row] = status;
  results.versions[row] = static_cast<double>(version);
  results.valueOffsets[row] = valueOffset;
  results.valueBytes[row] = valueBytes;
}

}  // namespace

int32_t listRecords(const uint8_t* slab, uint32_t offset, uint32_t bytes, uint32_t* rows,
                    uint32_t rowsMax) {
  uint32_t count = 0;
  for (uint32_t used = 0; used < bytes;) {
    const uint8_t* const at = slab + offset + used;
    wire::ReplyRecord head;
    Measure measure;
    const auto any = [](const wire::Result&, const uint8_t*, const Measure&) { return true; };
    if (count == rowsMax || !walkResults(at, bytes - used, head, measure, any)) return -1;
    uint32_t* const row = rows + size_t{count++} * RECORD_ROW_WORDS;
    row[0] = offset + used;
    row[1] = head.count;
    std::memcpy(row + 2, &head.session, sizeof head.session);
    std::memcpy(row + 4, &head.operation, sizeof head.operation);
    used += head.bytes;
  }
  return static_cast<int32_t>(count);
}

Decoder::Partial* Decoder::find(uint64_t session, uint64_t operation) {
  for (Partial& partial : partials_) {
    if (partial.session == session && partial.operation == operation) return &partial;
  }
  return nullptr;
}

/** A session has one value in parts at a time; whoever begins another one gave up the one before.
 */
void Decoder::begin(const Partial& partial) {
  const auto same = [&](const Partial& each) { return each.session == partial.session; };
  std::erase_if(partials_, same);
  if (partials_.size() == PARTIALS_MAX) partials_.erase(partials_.begin());
  partials_.push_back(partial);
}

/** Whether a part that is not a first one is the next of a value whose beginning is here. */
bool Decoder::continues(const uint8_t* at, const wire::ReplyRecord& head) {
  const auto result = wire::load<wire::Result>(at);
  const auto part = wire::load<wire::Part>(at + sizeof result);
  const Partial* const partial = find(head.session, head.operation);
  return partial != nullptr && partial->total == result.bytes && partial->received == part.offset;
}

void Decoder::part(const uint8_t* at, const wire::ReplyRecord& head, const ResultColumns& results,
                   uint64_t row) {
  const auto result = wire::load<wire::Result>(at);
  const auto part = wire::load<wire::Part>(at + sizeof result);
  if (part.offset == 0) {
    begin({head.session, head.operation, *results.valueEnd, result.bytes, 0});
    *results.valueEnd += result.bytes;
  }
  Partial* const partial = find(head.session, head.operation);
  require(partial != nullptr, "decode: a part that is not the first was looked up before");
  copyValue(results.values + partial->valueOffset + part.offset, at + sizeof result + sizeof part,
            part.bytes);
  partial->received += part.bytes;
  if (partial->received != partial->total) return;
  setRow(results, row, result.status, result.version, partial->valueOffset, partial->total);
  std::erase_if(partials_, [&](const Partial& each) { return &each == partial; });
}

int32_t Decoder::decode(const uint8_t* at, uint64_t room, const ResultColumns& results,
                        uint64_t from) {
  wire::ReplyRecord head;
  Measure measure;
  uint64_t valuesEnd = 0;   // the furthest byte that a part continued here needs
  bool unfinished = false;  // a part was met that is not its value's last
  // A value goes on only at a record's start and is left unfinished only at its end.
  const auto checked = [&](const wire::Result& result, const uint8_t* where, const Measure&) {
    if (unfinished) return false;
    if (result.tag != wire::tag::PART) return true;
    const auto part = wire::load<wire::Part>(where + sizeof result);
    unfinished = part.offset + part.bytes != result.bytes;
    if (part.offset == 0) return true;
    if (where != at + sizeof head || !continues(where, head)) return false;
    valuesEnd = find(head.session, head.operation)->valueOffset + uint64_t{result.bytes};
    return true;
  };
  if (!walkResults(at, room, head, measure, checked)) return DECODE_MALFORMED;
  if (from > results.rows || head.count > results.rows - from) return DECODE_MALFORMED;
  if (valuesEnd > results.valuesBytes) return DECODE_MALFORMED;
  const uint64_t end = *results.valueEnd + measure.valueBytes;
  if (end > results.valuesBytes || end > UINT32_MAX) return DECODE_NO_ROOM;

  uint64_t row = from;
  for (uint64_t offset = sizeof head; offset < head.bytes;) {
    const uint8_t* const where = at + offset;
    const auto result = wire::load<wire::Result>(where);
    offset += sizeof result;
    if (result.tag == wire::tag::VALUE) {
      copyValue(results.values + *results.valueEnd, where + sizeof result, result.bytes);
      setRow(results, row++, result.status, result.version, *results.valueEnd, result.bytes);
      *results.valueEnd += result.bytes;
      offset += wire::padded(result.bytes);
    } else if (result.tag == wire::tag::PART) {
      const auto part = wire::load<wire::Part>(where + sizeof result);
      wire::ReplyRecord own = head;
      own.operation += row - from;
      this->part(where, own, results, row);
      row += part.offset + part.bytes == result.bytes;
      offset += sizeof part + wire::padded(part.bytes);
    } else {
      const uint32_t answers = result.tag == wire::tag::RUN ? result.bytes : 1;
      const uint64_t step = result.status == wire::status::OK;
      for (uint32_t i = 0; i < answers; ++i) {
        setRow(results, row++, result.status, result.version + i * step, 0, 0);
      }
    }
  }
  return head.count;
}

}  // namespace machine

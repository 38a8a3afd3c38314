#include "machine/replies.h"

#include <algorithm>

namespace machine {

namespace {

/** A part this small is not worth its headers: the value starts in the next datagram instead. */
constexpr uint32_t PART_BYTES_MIN = 64;

}  // namespace

void Replies::makeRoom(Link& link, const Answered& to, uint32_t bytes, uint32_t answers) {
  const bool going = continues(link, to, answers);
  const uint32_t needed = bytes + (going ? 0 : sizeof(wire::ReplyRecord));
  if (link.open == nullptr || link.open->used + needed > limit()) {
    finishDatagram(link);
    openDatagram(link, to.link);
    startRecord(link, to);
  } else if (!going) {
    finishRecord(link);
    startRecord(link, to);
  }
  require(link.open->used + bytes <= limit(), "replies: an answer fits an empty datagram");
}

void Replies::run(const Answered& to, uint32_t status, uint32_t count, uint64_t version) {
  Sink* const sink = links_[to.link].sink;
  if (sink != nullptr) return sink->run(to, status, count, version);
  Answered rest = to;
  while (count != 0) {
    const uint32_t answers = std::min(count, RECORD_ANSWERS_MAX);
    uint8_t* const at = room(links_[to.link], rest, sizeof(wire::Result), answers);
    wire::store(at,
                wire::Result{wire::tag::RUN, static_cast<uint8_t>(status), 0, answers, version});
    if (status == wire::status::OK) version += answers;
    rest.operation += answers;
    count -= answers;
  }
}

void Replies::status(const Answered& to, uint32_t status, uint64_t version) {
  Sink* const sink = links_[to.link].sink;
  if (sink != nullptr) return sink->run(to, status, 1, version);
  uint8_t* const at = room(links_[to.link], to, sizeof(wire::Result), 1);
  wire::store(at, wire::Result{wire::tag::STATUS, static_cast<uint8_t>(status), 0, 0, version});
}

void Replies::item(const Answered& to, uint64_t version, const wire::ItemHead& head,
                   const uint8_t* value, uint32_t valueBytes) {
  Link& link = links_[to.link];
  if (link.sink != nullptr) return link.sink->value(to, version, &head, value, valueBytes);
  const uint32_t bytes = sizeof head + valueBytes;
  uint8_t* at = valueRoom(link, to, version, bytes);
  const bool whole = at != nullptr;
  if (!whole) {
    scratch_.resize(bytes);
    at = scratch_.data();
  }
  wire::store(at, head);
  std::memcpy(at + sizeof head, value, valueBytes);
  if (!whole) parts(link, to, version, at, bytes);
}

void Replies::parts(Link& link, const Answered& to, uint64_t version, const uint8_t* value,
                    uint32_t valueBytes) {
  constexpr uint32_t head = sizeof(wire::Result) + sizeof(wire::Part);
  // Parts have records of their own: a receiver may put them together apart from other answers.
  finishRecord(link);
  for (uint32_t offset = 0; offset < valueBytes;) {
    uint32_t left = link.open == nullptr ? 0 : limit() - link.open->used;
    if (left < head + sizeof(wire::ReplyRecord) + PART_BYTES_MIN)
      left = limit() - wire::BODY_OFFSET;
    const uint32_t fits = (left - head - sizeof(wire::ReplyRecord)) & ~3u;
    const uint32_t bytes = std::min(valueBytes - offset, fits);
    const bool final = offset + bytes == valueBytes;
    const uint32_t padded = wire::padded(bytes);
    uint8_t* const at = room(link, to, head + padded, final ? 1 : 0);
    wire::store(at, wire::Result{wire::tag::PART, wire::status::OK, 0, valueBytes, version});
    wire::store(at + sizeof(wire::Result), wire::Part{offset, bytes});
    wire::store(at + head + padded - 4, uint32_t{0});
    std::memcpy(at + head, value + offset, bytes);
    offset += bytes;
  }
  finishRecord(link);
}

void Replies::openDatagram(Link& link, uint32_t index) {
  require(link.age != 0, "replies: an answer goes to an open link");
  link.open = takeDatagram(link.inHeap != 0);
  if (link.open->heap != nullptr) ++link.inHeap;
  if (link.listed) return;
  link.listed = true;
  active_.push_back(index);
}

void Replies::startRecord(Link& link, const Answered& to) {
  link.record = link.open->bytes + link.open->used;
  link.open->used += sizeof(wire::ReplyRecord);
  link.answers = 0;
  link.session = to.session;
  link.operation = to.operation;
}

void Replies::finishRecord(Link& link) {
  if (link.record == nullptr) return;
  const auto bytes = static_cast<uint32_t>(link.open->bytes + link.open->used - link.record);
  wire::store(link.record, wire::ReplyRecord{bytes, static_cast<uint16_t>(link.answers), 0,
                                             link.session, link.operation - link.answers});
  link.record = nullptr;
}

void Replies::finishDatagram(Link& link) {
  if (link.open == nullptr) return;
  finishRecord(link);
  std::memset(link.open->bytes + link.open->used, 0, wire::TAG_BYTES);
  link.open->used += wire::TAG_BYTES;
  (link.first == nullptr ? link.first : link.last->next) = link.open;
  link.last = link.open;
  link.open = nullptr;
}

}  // namespace machine

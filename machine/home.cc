#include "machine/home.h"

#include <algorithm>

namespace machine {

namespace {

/** What one session may be owed, in bytes of pendings, beyond what an honest client ever is. */
constexpr uint32_t PENDING_BYTES_MIN = 1u << 20;
constexpr uint32_t PENDING_BYTES_PER_WRITE = 256;

/** Reads whose buckets are fetched while a datagram is scanned; the rest follow as reads are
 * served. */
constexpr uint32_t SCAN_AHEAD = 16;

}  // namespace

Home::Home(const Settings& settings, SessionTable& sessions, const mica::Store& store,
           Packer& packer, Replies& replies, Counters& counters)
    : settings_(settings),
      sessions_(sessions),
      store_(store),
      packer_(packer),
      replies_(replies),
      counters_(counters),
      pendingBytesMax_(
          std::max(PENDING_BYTES_MIN, settings.sessionWindow * PENDING_BYTES_PER_WRITE)),
      bound_(settings.linksMax, nullptr) {
  records_.reserve(settings.datagramBytes / sizeof(wire::Record));
  reads_.reserve(wire::DATAGRAM_OPERATIONS_MAX);
}

void Home::linkOpen(uint32_t link, uint64_t age, Sink* sink) { replies_.linkOpen(link, age, sink); }

void Home::linkClose(uint32_t link) {
  replies_.linkClose(link);
  while (bound_[link] != nullptr) unbind(*bound_[link]);
  std::erase_if(opens_, [&](const auto& open) { return open.second == link; });
}

bool Home::scanRecord(const RecordView& record) {
  return walkOperations(record, Form::request, [&](const uint8_t* at, const wire::Operation& head) {
    if (!isRead(head.kind)) return;
    const uint64_t hash = mica::hashKey(at + sizeof(wire::Operation), head.keyBytes);
    if (reads_.size() < SCAN_AHEAD) store_.prefetchBucket(hash);
    reads_.push_back({at, hash});
  });
}

bool Home::scan(const Body& body) {
  records_.clear();
  reads_.clear();
  readNext_ = 0;
  uint32_t operations = 0;
  RecordRange range(body, Form::request);
  for (RecordView record; range.next(record);) {
    operations += record.head.count;
    if (operations > wire::DATAGRAM_OPERATIONS_MAX || !scanRecord(record)) return false;
    sessions_.prefetch(record.head.session);
    records_.push_back(record);
  }
  return !range.failed();
}

Taken Home::request(uint32_t offset, uint32_t link) {
  require(uint64_t{offset} + settings_.datagramBytes <= settings_.slabBytes,
          "home: a REQUEST is in the slab");
  require(replies_.isOpen(link), "home: a REQUEST comes over an open link");
  if (!packer_.hasRoom() || replies_.nearlyExhausted()) return Taken::noRoom;
  const Body body = bodyOf(settings_.slab + offset, settings_.datagramBytes);
  if (body.at == nullptr || !scan(body)) {
    counters_.add(counter::MALFORMED, 1);
    return Taken::malformed;
  }
  prefetchFirst(reads_);
  for (const RecordView& record : records_) take(record, link);
  require(readNext_ == reads_.size(), "home: every read of a datagram is dealt with");
  counters_.add(counter::REQUESTS, 1);
  counters_.add(counter::REQUEST_RECORDS, records_.size());
  return Taken::ok;
}

bool Home::refuses(const Session& session, const wire::Record& head) const {
  return uint64_t{head.unanswered} + head.writes > settings_.sessionWindow ||
         session.pendingBytes > pendingBytesMax_;
}

void Home::take(const RecordView& record, uint32_t link) {
  const wire::Record& head = record.head;
  if (head.session == 0) return takeOpen(record, link);
  Session* const session = sessions_.find(head.session);
  const Answered to{link, head.session, head.operation};
  const uint32_t reads = head.count - head.writes;
  if (session == nullptr) {
    replies_.run(to, wire::status::SESSION_EXPIRED, head.count, 0);
    readNext_ += reads;
  } else if (!bind(*session, link)) {
    readNext_ +=
        reads;  // late mail of a link that the session has left: it asked again over the new one
  } else if (refuses(*session, head)) {
    replies_.run(to, wire::status::BAD_REQUEST, head.count, 0);
    readNext_ += reads;
  } else {
    takeSegments(record, *session);
  }
}

void Home::takeOpen(const RecordView& record, uint32_t link) {
  const uint64_t nonce = record.head.operation;
  if (opens_.size() >= settings_.sessionsMax && !opens_.contains(nonce)) {
    return replies_.status({link, 0, nonce}, wire::status::SESSIONS_FULL, 0);
  }
  opens_[nonce] = link;
  const uint32_t bytes = record.head.bytes - sizeof(wire::Record);
  std::memcpy(packer_.start(bytes, 1), record.operations(), bytes);
  wire::Record head = record.head;
  head.origin = static_cast<uint8_t>(settings_.replica);
  packer_.finish(head, bytes, true);
  counters_.add(counter::WRITES_TAKEN, 1);
}

Home::Segment Home::segmentAt(const uint8_t* at, const RecordView& record, uint32_t left) const {
  Segment segment{isRead(*at), 0, 0, 0, at, at};
  if (record.head.writes == 0 || record.head.writes == record.head.count) {
    segment.count = left;
    segment.end = record.end();
    return segment;
  }
  while (segment.count < left && isRead(*segment.end) == segment.reads) {
    segment.end += operationBytes(wire::load<wire::Operation>(segment.end));
    ++segment.count;
  }
  return segment;
}

void Home::takeSegments(const RecordView& record, Session& session) {
  wire::Record head = record.head;
  const uint64_t applied = session.state.applied;
  const uint64_t past = applied >= head.sequence ? applied - head.sequence + 1 : 0;
  const auto skipped = static_cast<uint32_t>(std::min<uint64_t>(past, head.writes));
  const uint32_t writes = head.writes - skipped;
  const uint32_t bytesMax = head.bytes - sizeof(wire::Record);
  uint8_t* const packed = writes == 0 ? nullptr : packer_.start(bytesMax, writes);
  uint8_t* out = packed;

  uint64_t sequence = head.sequence;
  const uint8_t* at = record.operations();
  for (uint32_t done = 0; done < head.count;) {
    Segment segment = segmentAt(at, record, head.count - done);
    segment.operation = head.operation + done;
    segment.sequence = sequence;
    done += segment.count;
    at = segment.end;
    if (segment.reads) {
      takeReads(session, segment);
    } else {
      out = takeWrites(session, segment, out);
      sequence += segment.count;
    }
  }
  if (writes == 0) return;
  head.count = static_cast<uint16_t>(writes);
  head.writes = writes;
  head.origin = static_cast<uint8_t>(settings_.replica);
  head.sequence += skipped;
  head.unanswered += skipped;
  packer_.finish(head, static_cast<uint32_t>(out - packed), true);
  counters_.add(counter::WRITES_TAKEN, writes);
}

/** Answers what is applied already; the rest is packed at `out` and owed. */
uint8_t* Home::takeWrites(Session& session, Segment segment, uint8_t* out) {
  const uint64_t applied = session.state.applied;
  if (segment.sequence <= applied) {
    const auto past = std::min<uint64_t>(applied - segment.sequence + 1, segment.count);
    const auto skipped = static_cast<uint32_t>(past);
    answerCached(session, segment.operation, segment.sequence, skipped);
    counters_.add(counter::WRITES_DUPLICATE, skipped);
    for (uint32_t i = 0; i < skipped; ++i) {
      segment.at += operationBytes(wire::load<wire::Operation>(segment.at));
    }
    segment.count -= skipped;
    segment.operation += skipped;
    segment.sequence += skipped;
  }
  if (segment.count == 0) return out;
  owe(session, segment);
  return packer_.copy(out, segment.at, static_cast<size_t>(segment.end - segment.at));
}

void Home::takeReads(Session& session, const Segment& segment) {
  const ReadRef* const reads = reads_.data() + readNext_;
  const auto readable = static_cast<uint32_t>(reads_.size()) - readNext_;
  readNext_ += segment.count;
  const Answered to{session.link, session.state.id, segment.operation};
  const uint64_t next = session.state.applied + 1;
  if (segment.sequence == next) {
    readAll(to, reads, segment.count, readable);
    counters_.add(counter::READS, segment.count);
  } else if (segment.sequence < next) {
    replies_.run(to, wire::status::OVERTAKEN, segment.count, 0);
    counters_.add(counter::READS_OVERTAKEN, segment.count);
  } else {
    owe(session, segment);
    counters_.add(counter::READS_PARKED, segment.count);
  }
}

Taken Home::forwarded(uint32_t offset) {
  require(uint64_t{offset} + settings_.datagramBytes <= settings_.slabBytes,
          "home: a FORWARD is in the slab");
  if (!packer_.hasRoom()) return Taken::noRoom;
  const Body body = bodyOf(settings_.slab + offset, settings_.datagramBytes);
  RecordRange range(body, Form::ordered);
  uint32_t operations = 0;
  records_.clear();
  for (RecordView record; range.next(record);) {
    operations += record.head.count;
    records_.push_back(record);
    if (!walkOperations(record, Form::ordered, [](const uint8_t*, const wire::Operation&) {}))
      range.fail();
  }
  if (body.at == nullptr || range.failed() || operations > wire::DATAGRAM_OPERATIONS_MAX) {
    counters_.add(counter::MALFORMED, 1);
    return Taken::malformed;
  }
  for (const RecordView& record : records_) {
    const uint32_t bytes = record.head.bytes - sizeof(wire::Record);
    uint8_t* const packed = packer_.start(bytes, record.head.count);
    const uint8_t* const end = packer_.copy(packed, record.operations(), bytes);
    packer_.finish(record.head, static_cast<uint32_t>(end - packed), false);
  }
  counters_.add(counter::WRITES_FORWARDED, operations);
  return Taken::ok;
}

}  // namespace machine

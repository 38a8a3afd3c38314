// The other half of home.h: what sessions are owed, and how it is answered.

#include <algorithm>

#include "machine/home.h"
#include "machine/items.h"

namespace machine {

namespace {

/** How far ahead of a read its bucket is fetched. */
constexpr uint32_t BUCKETS_AHEAD = 16;
}  // namespace

bool Home::bind(Session& session, uint32_t link) {
  if (session.link == link) return true;
  if (session.link != LINK_NONE && replies_.age(session.link) > replies_.age(link)) return false;
  unbind(session);
  session.link = link;
  session.linkNext = bound_[link];
  if (session.linkNext != nullptr) session.linkNext->linkPrevious = &session;
  bound_[link] = &session;
  return true;
}

void Home::unbind(Session& session) {
  if (session.link == LINK_NONE) return;
  dropPendings(session);
  if (session.linkNext != nullptr) session.linkNext->linkPrevious = session.linkPrevious;
  (session.linkPrevious == nullptr ? bound_[session.link] : session.linkPrevious->linkNext) =
      session.linkNext;
  session.linkPrevious = session.linkNext = nullptr;
  session.link = LINK_NONE;
}

void Home::dropPendings(Session& session) {
  while (session.first != nullptr) popPending(session);
}

void Home::popPending(Session& session) {
  Pending* const gone = session.first;
  session.pendingBytes -= PendingPool::nodeBytes(*gone);
  session.first = gone->next;
  if (session.first == nullptr) session.last = nullptr;
  pool_.give(gone);
}

Pending* Home::makePending(Session& session, const Segment& segment) {
  const auto bytes = segment.reads ? static_cast<uint32_t>(segment.end - segment.at) : 0;
  Pending* const node = pool_.take(bytes);
  node->operation = segment.operation;
  node->sequence = segment.sequence;
  node->count = segment.count;
  node->reads = segment.reads;
  if (bytes != 0) std::memcpy(node->data(), segment.at, bytes);
  session.pendingBytes += PendingPool::nodeBytes(*node);
  return node;
}

void Home::owe(Session& session, const Segment& segment) {
  if (session.last != nullptr && segment.operation < session.last->operationEnd()) {
    return oweMissing(session, segment);
  }
  Pending* const node = makePending(session, segment);
  (session.last == nullptr ? session.first : session.last->next) = node;
  session.last = node;
}

/** Of a segment asked for again, only the operations not owed already. Rare: one node each. */
void Home::oweMissing(Session& session, const Segment& segment) {
  Pending* previous = nullptr;
  Pending* node = session.first;
  const uint8_t* at = segment.at;
  for (uint32_t i = 0; i < segment.count; ++i) {
    const uint64_t operation = segment.operation + i;
    const uint8_t* const end = at + operationBytes(wire::load<wire::Operation>(at));
    while (node != nullptr && node->operationEnd() <= operation) {
      previous = node;
      node = node->next;
    }
    if (node == nullptr || node->operation > operation) {
      const uint64_t sequence = segment.sequence + (segment.reads ? 0 : i);
      Pending* const missing =
          makePending(session, {segment.reads, 1, operation, sequence, at, end});
      missing->next = node;
      (previous == nullptr ? session.first : previous->next) = missing;
      if (node == nullptr) session.last = missing;
      previous = missing;
    }
    at = end;
  }
}

void Home::answerCached(const Session& session, uint64_t operation, uint64_t sequence,
                        uint32_t count) {
  while (count != 0) {
    const Answered to{session.link, session.state.id, operation};
    Run run{sequence, 0, count, wire::status::BAD_REQUEST};
    const bool kept = session.state.results.find(sequence, run);
    // What the client said it knew is forgotten; who asks for it again is no client of ours.
    const uint32_t answers = kept ? std::min(count, run.count) : 1;
    if (kept && run.status == OK_WITH_ANSWER) {
      answerKept(session, to, run, answers);
    } else if (kept && run.status == wire::status::OK) {
      replies_.run(to, run.status, answers, run.version);
    } else if (answers > 1) {
      replies_.run(to, run.status, answers, run.version);
    } else {
      replies_.status(to, run.status, run.version);
    }
    operation += answers;
    sequence += answers;
    count -= answers;
  }
}

void Home::answerKept(const Session& session, const Answered& to, const Run& run, uint32_t count) {
  Answered each = to;
  for (uint32_t i = 0; i < count; ++i, ++each.operation) {
    const KeptAnswer* const answer = findKept(session.state.kept, run.sequence + i);
    require(answer != nullptr, "home: an answer lives as long as its result");
    replies_.value(each, run.versionAt(i), answer->data.get(), answer->bytes);
  }
}

void Home::drain(Session& session) {
  const uint64_t applied = session.state.applied;
  while (session.first != nullptr) {
    Pending& pending = *session.first;
    if (pending.reads) {
      if (pending.sequence > applied + 1) return;
      readPending(session, pending);
    } else {
      if (pending.sequence > applied) return;
      const auto answered = std::min<uint64_t>(applied - pending.sequence + 1, pending.count);
      const auto answers = static_cast<uint32_t>(answered);
      answerCached(session, pending.operation, pending.sequence, answers);
      pending.sequence += answers;
      pending.operation += answers;
      pending.count -= answers;
      if (pending.count != 0) return;
    }
    popPending(session);
  }
}

void Home::readPending(const Session& session, Pending& pending) {
  const Answered to{session.link, session.state.id, pending.operation};
  if (pending.sequence <= session.state.applied) {
    replies_.run(to, wire::status::OVERTAKEN, pending.count, 0);
    counters_.add(counter::READS_OVERTAKEN, pending.count);
    return;
  }
  parked_.clear();
  const uint8_t* at = pending.data();
  for (uint32_t i = 0; i < pending.count; ++i) {
    const auto head = wire::load<wire::Operation>(at);
    const uint64_t hash = mica::hashKey(at + sizeof(wire::Operation), head.keyBytes);
    if (i < BUCKETS_AHEAD) store_.prefetchBucket(hash);
    parked_.push_back({at, hash});
    at += operationBytes(head);
  }
  prefetchFirst(parked_);
  readAll(to, parked_.data(), pending.count, pending.count);
  counters_.add(counter::READS, pending.count);
}

/** Those that readAll does not fetch while it executes others. */
void Home::prefetchFirst(const std::vector<ReadRef>& reads) const {
  const size_t count = std::min<size_t>(ITEMS_AHEAD, reads.size());
  for (size_t i = 0; i < count; ++i) store_.prefetchItem(reads[i].hash);
}

/** Of `readable` reads executes the first `count`, fetching ahead in all of them. */
void Home::readAll(const Answered& to, const ReadRef* reads, uint32_t count, uint32_t readable) {
  Answered each = to;
  for (uint32_t i = 0; i < count; ++i, ++each.operation) {
    if (i + BUCKETS_AHEAD < readable) store_.prefetchBucket(reads[i + BUCKETS_AHEAD].hash);
    if (i + ITEMS_AHEAD < readable) store_.prefetchItem(reads[i + ITEMS_AHEAD].hash);
    const uint8_t* const key = reads[i].at + sizeof(wire::Operation);
    const auto head = wire::load<wire::Operation>(reads[i].at);
    const uint32_t keyBytes = head.keyBytes;
    if (head.kind == wire::op::GET_ITEM) {
      readItem(each, reads[i].hash, key, keyBytes);
      continue;
    }
    mica::Found found;
    if (store_.find(reads[i].hash, key, keyBytes, found)) {
      replies_.value(each, found.version, found.value, found.valueBytes);
    } else {
      replies_.status(each, wire::status::NOT_FOUND, 0);
    }
  }
}

void Home::readItem(const Answered& to, uint64_t hash, const uint8_t* key, uint32_t keyBytes) {
  mica::Inspected item;
  if (!store_.inspect(hash, key, keyBytes, item)) {
    return replies_.status(to, wire::status::NOT_FOUND, 0);
  }
  const mica::Found& found = item.found;
  replies_.item(to, found.version, headOf(item, store_.now()), found.value, found.valueBytes);
}

void Home::expire(Session& session) {
  for (const Pending* node = session.first; node != nullptr; node = node->next) {
    const Answered to{session.link, session.state.id, node->operation};
    replies_.run(to, wire::status::SESSION_EXPIRED, node->count, 0);
  }
  unbind(session);
}

void Home::opened(uint64_t nonce, uint32_t status, uint64_t session) {
  const auto open = opens_.find(nonce);
  if (open == opens_.end()) return;
  const Answered to{open->second, 0, nonce};
  if (status == wire::status::OK) {
    replies_.run(to, status, 1, session);
  } else {
    replies_.status(to, status, 0);
  }
  opens_.erase(open);
}

}  // namespace machine

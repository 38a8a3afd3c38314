#include "machine/applier.h"

#include <algorithm>

namespace machine {

namespace {

/** Operations taken in hand together, so that memory is fetched for one entry while another
 * executes. */
constexpr uint32_t GROUP_OPERATIONS = 256;

/** How far ahead of an operation its bucket and its item are fetched. */
constexpr uint32_t BUCKETS_AHEAD = 16;
constexpr uint32_t ITEMS_AHEAD = 8;

/** How far ahead of a record its session and the session's results are fetched. */
constexpr uint32_t SESSIONS_AHEAD = 8;
constexpr uint32_t RESULTS_AHEAD = 4;

/** Items looked at for some that are gone, for each operation of an entry, and for a TICK. */
constexpr uint32_t WORK_PER_OPERATION = 2;
constexpr uint32_t WORK_OF_TICK = 16384;

constexpr uint64_t MICROS_PER_SECOND = 1'000'000;

}  // namespace

Applier::Applier(const Settings& settings, SessionTable& sessions, mica::Store& store, Home& home,
                 Assembler& assembler, Items& items, Keeping& keeping, Snapshot& snapshot,
                 Counters& counters)
    : settings_(settings),
      sessions_(sessions),
      store_(store),
      home_(home),
      assembler_(assembler),
      items_(items),
      keeping_(keeping),
      snapshot_(snapshot),
      counters_(counters) {
  operations_.reserve(GROUP_OPERATIONS + wire::DATAGRAM_OPERATIONS_MAX + BUCKETS_AHEAD);
  records_.reserve(GROUP_OPERATIONS + wire::DATAGRAM_OPERATIONS_MAX);
}

void Applier::apply(const uint32_t* offsets, uint32_t count) {
  for (uint32_t i = 0; i < count;) {
    records_.clear();
    operations_.clear();
    while (i < count && operations_.size() < GROUP_OPERATIONS) gather(offsets[i++]);
    executeGroup();
  }
  counters_.add(counter::ENTRIES_APPLIED, count);
}

void Applier::restart(uint64_t counter, const SessionClock& clock) {
  applied_ = counter;
  clock_ = clock;
  seconds_ = 0;  // the store's is what counts, and does not go back
  forwardApplied_ = 0;
}

void Applier::gather(uint32_t offset) {
  require(uint64_t{offset} + wire::OVERHEAD_BYTES <= settings_.slabBytes,
          "apply: an entry is in the slab");
  const uint8_t* const datagram = settings_.slab + offset;
  const auto header = wire::load<wire::Header>(datagram);
  const Body body = bodyOf(datagram, settings_.datagramBytes);
  require(body.at != nullptr, "apply: an entry has a possible length");
  require(uint64_t{offset} + header.length <= settings_.slabBytes,
          "apply: an entry ends in the slab");
  require(header.counter == applied_ + 1, "apply: entries come in the order of their counters");
  const auto extension = wire::load<wire::Propose>(datagram + sizeof(wire::Header));
  clock_.advance(extension.time, extension.epoch);
  seconds_ = static_cast<uint32_t>(
      std::min<uint64_t>(extension.time / MICROS_PER_SECOND, UINT32_MAX));

  RecordRange range(body, Form::ordered);
  uint64_t counter = header.counter;
  uint32_t work = header.count * WORK_PER_OPERATION;
  for (RecordView record; range.next(record); counter += record.head.count) {
    gatherRecord(record, counter, work);
    work = 0;
  }
  require(!range.failed(), "apply: the records of an entry were validated at their home");
  require(counter - header.counter == header.count,
          "apply: an entry holds as many operations as it says");
  applied_ = counter - 1;
}

void Applier::gatherRecord(const RecordView& record, uint64_t counter, uint32_t work) {
  records_.push_back({record, counter, clock_.micros, seconds_, work,
                      static_cast<uint32_t>(operations_.size())});
  sessions_.prefetch(record.head.session);
  const bool valid =
      walkOperations(record, Form::ordered, [&](const uint8_t* at, const wire::Operation& head) {
        const uint64_t hash = mica::hashKey(at + keyOffset(head.kind), head.keyBytes);
        if (operations_.size() < BUCKETS_AHEAD) store_.prefetchBucket(hash);
        operations_.push_back({at, hash});
      });
  require(valid, "apply: the operations of an entry were validated at their home");
}

void Applier::executeGroup() {
  const size_t count = operations_.size();
  // Sentinels, so that fetching ahead needs no bounds.
  operations_.resize(count + BUCKETS_AHEAD, {nullptr, 0});
  for (uint32_t i = 0; i < ITEMS_AHEAD; ++i) store_.prefetchItem(operations_[i].hash);
  for (size_t i = 0; i < records_.size(); ++i) {
    prefetchSessions(i);
    const RecordRef& record = records_[i];
    store_.advance(record.seconds, record.counter);
    store_.reclaim(record.work);
    expireIdle(record.now);
    applyRecord(record);
  }
  counters_.add(counter::RECORDS_APPLIED, records_.size());
}

/** Ends what was not touched for too long, as a CLOSE does. Costs a comparison when nothing was. */
void Applier::expireIdle(uint64_t now) {
  if (settings_.sessionMicros == 0) return;
  for (;;) {
    Session* const session = sessions_.idlest();
    if (session == nullptr || now - session->state.lastTouched <= settings_.sessionMicros) return;
    snapshot_.beforeChange(*session);
    endSession(*session);
    counters_.add(counter::SESSIONS_EXPIRED, 1);
  }
}

void Applier::prefetchSessions(size_t record) {
  if (record + SESSIONS_AHEAD < records_.size()) {
    const Session* const session =
        sessions_.find(records_[record + SESSIONS_AHEAD].view.head.session);
    if (session != nullptr) {
      mica::prefetch(session);
      mica::prefetch(&session->first);
    }
  }
  if (record + RESULTS_AHEAD < records_.size()) {
    const Session* const session =
        sessions_.find(records_[record + RESULTS_AHEAD].view.head.session);
    if (session != nullptr) {
      session->state.results.prefetchNext();
      if (session->touchedPrevious != nullptr) mica::prefetch(&session->touchedPrevious->touchedNext);
      if (session->touchedNext != nullptr) mica::prefetch(&session->touchedNext->touchedPrevious);
    }
  }
}

void Applier::applyRecord(const RecordRef& record) {
  const wire::Record& head = record.view.head;
  if (head.origin == settings_.replica) forwardApplied_ = std::max(forwardApplied_, head.operation);
  if (head.session == 0) return applySessionless(record);
  Session* const session = sessions_.find(head.session);
  if (session == nullptr) return counters_.add(counter::WRITES_REFUSED_SESSION, head.count);
  SessionState& state = session->state;
  snapshot_.beforeChange(*session);
  sessions_.touch(*session, record.now);
  if (head.sequence > state.applied + 1) return counters_.add(counter::WRITES_GAP, head.count);
  // The home refuses it before the order does: nobody waits for an answer to this.
  if (uint64_t{head.unanswered} + head.count > settings_.sessionWindow) {
    return counters_.add(counter::WRITES_REFUSED_SESSION, head.count);
  }
  state.answered = std::max(state.answered, head.sequence - head.unanswered);
  state.results.prune(state.answered);
  if (__builtin_expect(!state.kept.empty(), 0)) keeping_.prune(state.kept, state.answered);

  const uint64_t past = state.applied + 1 - head.sequence;
  auto next = static_cast<uint32_t>(std::min<uint64_t>(past, head.count));
  if (next != 0) counters_.add(counter::WRITES_DUPLICATE, next);
  while (next < head.count) {
    const uint64_t allowed = Home::boundary(*session) - state.applied;
    const auto end = static_cast<uint32_t>(
        std::min<uint64_t>(next + std::min<uint64_t>(allowed, head.count), head.count));
    next = executeUntil(*session, record, next, end);
    if (session->first != nullptr) home_.drain(*session);
    if (!closing_) continue;
    counters_.add(counter::WRITES_REFUSED_SESSION, head.count - next);
    closing_ = false;
    counters_.add(counter::SESSIONS_CLOSED, 1);
    return endSession(*session);
  }
}

void Applier::applySessionless(const RecordRef& record) {
  if (wire::load<wire::Operation>(record.view.operations()).kind == wire::op::OPEN) {
    return open(record);
  }
  store_.reclaim(WORK_OF_TICK);
}

void Applier::open(const RecordRef& record) {
  const bool full = sessions_.full();
  const uint32_t status = full ? wire::status::SESSIONS_FULL : wire::status::OK;
  if (full) {
    counters_.add(counter::WRITES_REFUSED_SESSION, 1);
  } else {
    sessions_.touch(*sessions_.insert(record.counter), record.now);
    counters_.add(counter::SESSIONS_OPENED, 1);
  }
  if (record.view.head.origin != settings_.replica) return;
  const auto nonce = wire::load<uint64_t>(record.view.operations() + sizeof(wire::Operation));
  home_.opened(nonce, status, full ? 0 : record.counter);
}

void Applier::endSession(Session& session) {
  home_.expire(session);
  assembler_.drop(session.state.assembly);
  keeping_.drop(session.state.kept);
  sessions_.erase(&session);
}

/** What most operations are. */
inline Executed Applier::set(const OperationRef& operation, uint64_t version) {
  const auto head = wire::load<wire::Operation>(operation.at);
  const uint8_t* const key = operation.at + sizeof(wire::Operation);
  return executedOf(store_.set(operation.hash, key, head.keyBytes, key + head.keyBytes,
                               head.valueBytes, mica::Attributes{version}),
                    version);
}

/** Executes operations [from, end) of a record, or up to a CLOSE; returns where it stopped. */
uint32_t Applier::executeUntil(Session& session, const RecordRef& record, uint32_t from,
                               uint32_t end) {
  SessionState& state = session.state;
  Run run{state.applied + 1, 0, 0, wire::status::OK};
  uint32_t i = from;
  while (i < end && !closing_) {
    const OperationRef* const operation = operations_.data() + record.first + i;
    store_.prefetchBucket(operation[BUCKETS_AHEAD].hash);
    store_.prefetchItem(operation[ITEMS_AHEAD].hash);
    const uint64_t version = record.counter + i;
    const Executed executed = isSet(*operation) ? set(*operation, version) : execute(session, *operation, version);
    if (__builtin_expect((executed.status & WITH_ANSWER) != 0, 0)) {
      const std::vector<uint8_t>& answer = items_.answer();
      keeping_.keep(state.kept, run.end(), answer.data(), static_cast<uint32_t>(answer.size()));
    }
    if (run.count == 0 || !run.continues(executed.version, executed.status)) {
      if (run.count != 0) keep(state, run);
      run = {run.end(), executed.version, 0, executed.status};
    }
    ++run.count;
    ++i;
  }
  keep(state, run);
  state.applied += i - from;
  counters_.add(counter::WRITES_APPLIED, i - from);
  return i;
}

void Applier::keep(SessionState& state, const Run& run) {
  state.results.push(run);
  if (run.status == wire::status::OK || run.status == OK_WITH_ANSWER) return;
  const auto counter = [&] {
    if (run.status == wire::status::FULL) return counter::WRITES_REFUSED_FULL;
    if (run.status == wire::status::NO_SPACE) return counter::WRITES_REFUSED_LOG;
    return counter::WRITES_FAILED;
  };
  counters_.add(counter(), run.count);
}

/** Whatever is no SET. */
Executed Applier::execute(Session& session, const OperationRef& operation, uint64_t version) {
  const uint8_t* const at = operation.at;
  const auto head = wire::load<wire::Operation>(at);
  const uint8_t* const key = at + keyOffset(head.kind);
  const uint8_t* const value = key + head.keyBytes;
  const uint64_t hash = operation.hash;
  const mica::Attributes attributes{version};
  const auto expected = [&] { return wire::load<uint64_t>(at + sizeof(wire::Operation)); };
  switch (head.kind) {
    case wire::op::CREATE:
      return executedOf(store_.create(hash, key, head.keyBytes, value, head.valueBytes, attributes),
                        version);
    case wire::op::SET_IF:
      return executedOf(
          store_.setIf(expected(), hash, key, head.keyBytes, value, head.valueBytes, attributes),
          version);
    case wire::op::DELETE:
      return executedOf(store_.remove(hash, key, head.keyBytes), version);
    case wire::op::DELETE_IF:
      return executedOf(store_.removeIf(hash, key, head.keyBytes, expected()), version);
    case wire::op::FRAGMENT:
      return assembler_.fragment(session.state.assembly, at, head, version);
    case wire::op::REFUSED:
      return assembler_.giveUp(session.state.assembly);
    case wire::op::CLOSE:
      closing_ = true;
      return {wire::status::OK, version};
    case wire::op::SYNC:
    case wire::op::TOUCH:
      return {wire::status::OK, version};
    default:
      return items_.execute({head.kind, at + sizeof(wire::Operation), key, head.keyBytes, value,
                             head.valueBytes, hash, version});
  }
}

}  // namespace machine

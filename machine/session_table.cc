#include "machine/session_table.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "machine/assert.h"
#include "mica/hash.h"

namespace machine {

namespace {

constexpr uint64_t SLOTS_MIN = 64;
constexpr uint64_t DIGEST_SEED = 0x73657373696f6e73;

}  // namespace

SessionTable::SessionTable(uint32_t sessionsMax) : sessionsMax_(sessionsMax) {
  const uint64_t slots = std::max(SLOTS_MIN, std::bit_ceil(uint64_t{sessionsMax} * 2));
  mask_ = slots - 1;
  shift_ = 64 - static_cast<uint32_t>(std::countr_zero(slots));
  slots_ = static_cast<Slot*>(std::calloc(slots, sizeof(Slot)));
  require(slots_ != nullptr, "sessions: there is memory for the table");
}

SessionTable::~SessionTable() { std::free(slots_); }

Session* SessionTable::insert(uint64_t id) {
  require(!full() && find(id) == nullptr && id != 0,
          "sessions: a new session has room and a new id");
  Session* session;
  if (free_.empty()) {
    session = &sessions_.emplace_back();
  } else {
    session = free_.back();
    free_.pop_back();
  }
  session->state.id = id;
  uint64_t i = place(id);
  while (slots_[i].id != 0) i = (i + 1) & mask_;
  slots_[i] = {id, session};
  ++count_;
  list(*session);
  return session;
}

void SessionTable::erase(Session* session) {
  uint64_t hole = place(session->state.id);
  while (slots_[hole].session != session) {
    require(slots_[hole].id != 0, "sessions: the session to erase is in the table");
    hole = (hole + 1) & mask_;
  }
  // Close the hole: pull back every later entry of the cluster that may stand there.
  for (uint64_t i = (hole + 1) & mask_; slots_[i].id != 0; i = (i + 1) & mask_) {
    const uint64_t distance = (i - place(slots_[i].id)) & mask_;
    if (distance < ((i - hole) & mask_)) continue;
    slots_[hole] = slots_[i];
    hole = i;
  }
  slots_[hole] = {0, nullptr};
  --count_;
  unlist(*session);
  *session = Session{};
  free_.push_back(session);
}

void SessionTable::list(Session& session) {
  session.touchedPrevious = touchedLast_;
  session.touchedNext = nullptr;
  (touchedLast_ == nullptr ? touchedFirst_ : touchedLast_->touchedNext) = &session;
  touchedLast_ = &session;
}

void SessionTable::unlist(Session& session) {
  Session* const previous = session.touchedPrevious;
  Session* const next = session.touchedNext;
  (previous == nullptr ? touchedFirst_ : previous->touchedNext) = next;
  (next == nullptr ? touchedLast_ : next->touchedPrevious) = previous;
}

void SessionTable::orderByTouch() {
  std::vector<Session*> sessions;
  sessions.reserve(count_);
  for (Session& session : sessions_) {
    if (session.state.id != 0) sessions.push_back(&session);
  }
  std::sort(sessions.begin(), sessions.end(), [](const Session* a, const Session* b) {
    return a->state.lastTouched < b->state.lastTouched;
  });
  touchedFirst_ = touchedLast_ = nullptr;
  for (Session* const session : sessions) list(*session);
}

void SessionTable::clear() {
  // By the sessions: the table may be large and its untouched pages nobody's yet.
  for (Session& session : sessions_) {
    if (session.state.id != 0) erase(&session);
  }
  sessions_.clear();
  free_.clear();
}

uint64_t sessionDigest(const uint8_t* bytes, size_t count) {
  return mica::hash64(bytes, count, DIGEST_SEED);
}

uint64_t SessionTable::digest() const {
  uint64_t digest = count_;
  std::vector<uint8_t> bytes;
  each([&](const Session& session) {
    bytes.clear();
    serialize(session.state, bytes);
    digest += sessionDigest(bytes.data(), bytes.size());
  });
  return digest;
}

}  // namespace machine

#include "machine/restorer.h"

#include <algorithm>

namespace machine {

using namespace snapshot;

namespace {

/** Pieces looked at together, so that memory is fetched for one while another is taken. */
constexpr uint32_t AHEAD = 16;

}  // namespace

void Restorer::begin() {
  require(sessions_.count() == 0 && store_.items() == 0, "restore: it begins with nothing");
  phase_ = Phase::begin;
  counter_ = 0;
  carry_.clear();
}

void Restorer::abandon() {
  phase_ = Phase::none;
  carry_ = {};
}

bool Restorer::end() {
  require(active(), "restore: it ends after it began");
  if (phase_ != Phase::complete) return false;
  abandon();
  return true;
}

bool Restorer::part(const uint8_t* at, size_t bytes) {
  require(active(), "restore: parts come after it began");
  if (phase_ == Phase::refused) return false;
  if (take(at, bytes)) return true;
  phase_ = Phase::refused;
  return false;
}

/** Fetches the buckets of the items among the next few pieces. */
void Restorer::fetch(const uint8_t* at, size_t bytes) const {
  for (uint32_t i = 0; i < AHEAD && bytes >= sizeof(Head); ++i) {
    const uint64_t whole = pieceBytes(at);
    if (whole == 0 || whole > bytes) return;
    const auto head = wire::load<Head>(at);
    if (head.kind == piece::ITEM) store_.prefetchBucket(mica::hashKey(at + sizeof(Item), head.keyBytes));
    at += whole;
    bytes -= whole;
  }
}

bool Restorer::take(const uint8_t* at, size_t bytes) {
  for (uint32_t pieces = 0; bytes != 0; ++pieces) {
    if (pieces % AHEAD == 0 && carry_.empty()) fetch(at, bytes);
    if (!carry_.empty()) {
      if (!fill(at, bytes)) return false;
      continue;
    }
    const uint64_t whole = bytes < sizeof(Head) ? UINT64_MAX : pieceBytes(at);
    if (whole == 0) return false;
    if (whole > bytes) {
      carry_.assign(at, at + bytes);
      return true;
    }
    if (!piece(at)) return false;
    at += whole;
    bytes -= whole;
  }
  return true;
}

/** Completes the piece that was cut, first its head, then the rest. */
bool Restorer::fill(const uint8_t*& at, size_t& bytes) {
  const bool headed = carry_.size() >= sizeof(Head);
  const uint64_t whole = headed ? pieceBytes(carry_.data()) : sizeof(Head);
  const size_t count = std::min<uint64_t>(bytes, whole - carry_.size());
  carry_.insert(carry_.end(), at, at + count);
  at += count;
  bytes -= count;
  if (carry_.size() < sizeof(Head)) return true;
  const uint64_t known = pieceBytes(carry_.data());
  if (known == 0) return false;
  if (carry_.size() < known) return true;
  const bool good = piece(carry_.data());
  carry_.clear();
  return good;
}

/** Bytes of the piece whose head is at `at`; 0 when there is none such, or it has no place here. */
uint64_t Restorer::pieceBytes(const uint8_t* at) const {
  const auto head = wire::load<Head>(at);
  if ((head.kind == piece::BEGIN) != (phase_ == Phase::begin)) return 0;
  if (phase_ == Phase::complete) return 0;
  if (head.kind == piece::ITEM) {
    const bool possible = head.keyBytes != 0 && head.keyBytes <= wire::KEY_BYTES_MAX &&
                          head.bytes <= wire::VALUE_BYTES_MAX &&
                          (head.state & ~mica::state::ALL) == 0;
    const uint64_t cas = (head.state & mica::state::CAS) != 0 ? sizeof(uint64_t) : 0;
    return possible ? sizeof(Item) + head.keyBytes + head.bytes + cas : 0;
  }
  if (head.keyBytes != 0 || head.state != 0) return 0;
  const uint64_t whole = sizeof(Head) + uint64_t{head.bytes};
  switch (head.kind) {
    case piece::BEGIN:
      return whole == sizeof(Begin) ? whole : 0;
    case piece::SESSION:
      return head.bytes <= sessionBytesMax(limits_) ? whole : 0;
    case piece::SKIP:
      return head.bytes == 0 ? whole : 0;
    case piece::END:
      return whole == sizeof(End) ? whole : 0;
    default:
      return 0;
  }
}

/** A whole piece, as pieceBytes found it. */
bool Restorer::piece(const uint8_t* at) {
  const auto head = wire::load<Head>(at);
  switch (head.kind) {
    case piece::BEGIN:
      return takeBegin(at);
    case piece::ITEM:
      return takeItem(at);
    case piece::SESSION:
      return takeSession(at + sizeof(Head), head.bytes);
    case piece::SKIP:
      return true;
    default:
      return takeEnd(at);
  }
}

bool Restorer::takeBegin(const uint8_t* at) {
  const auto begin = wire::load<Begin>(at);
  if (begin.check != mica::hash64(&begin, offsetof(Begin, check), MAGIC)) return false;
  if (begin.magic != MAGIC || begin.version != VERSION || begin.reserved != 0) return false;
  if (begin.counter > wire::COUNTER_MAX || begin.limits != limits_) return false;
  if (begin.clock.micros > wire::COUNTER_MAX || begin.clock.epoch > UINT32_MAX) return false;
  if (begin.clockwork.flushed > begin.counter || begin.clockwork.reserved != 0) return false;
  counter_ = begin.counter;
  clock_ = begin.clock;
  clockwork_ = begin.clockwork;
  phase_ = Phase::body;
  return true;
}

bool Restorer::takeItem(const uint8_t* at) {
  const auto item = wire::load<Item>(at);
  if (item.version == 0 || item.version > counter_) return false;
  const uint8_t* const key = at + sizeof(Item);
  const uint32_t keyBytes = item.head.keyBytes;
  const uint8_t* const value = key + keyBytes;
  const bool cas = (item.head.state & mica::state::CAS) != 0;
  const mica::Attributes attributes{item.version, item.flags, item.expiry, item.head.state,
                                    cas ? wire::load<uint64_t>(value + item.head.bytes) : 0};
  return store_.restore(mica::hashKey(key, keyBytes),
                        {key, value, keyBytes, item.head.bytes, attributes});
}

bool Restorer::takeSession(const uint8_t* at, uint32_t bytes) {
  SessionState state;
  if (!parse(at, bytes, limits_.sessionWindow, state)) return false;
  if (state.lastTouched > clock_.micros) return false;
  if (state.id > counter_ || sessions_.full() || sessions_.find(state.id) != nullptr) return false;
  if (!assembler_.adopt(state.assembly) || !keeping_.adopt(state.kept)) return false;
  sessions_.insert(state.id)->state = std::move(state);
  return true;
}

bool Restorer::takeEnd(const uint8_t* at) {
  const auto end = wire::load<End>(at);
  if (end.items != store_.items() || end.digest != store_.digest()) return false;
  if (end.sessions != sessions_.count()) return false;
  if (end.sessionsDigest != sessions_.digest()) return false;
  sessions_.orderByTouch();
  store_.setClockwork(clockwork_);
  phase_ = Phase::complete;
  return true;
}

}  // namespace machine

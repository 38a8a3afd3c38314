#include "machine/snapshot.h"

namespace machine {

using namespace snapshot;

namespace {

/** Items and sessions looked at in one call: most of them may have changed since, and give nothing. */
constexpr uint32_t LOOKED_MAX = 4096;

constexpr Head SKIP_HEAD{piece::SKIP, 0, 0, 0};

size_t itemBytes(const mica::Entry& entry) {
  const bool cas = (entry.attributes.state & mica::state::CAS) != 0;
  return sizeof(Item) + entry.keyBytes + entry.valueBytes + (cas ? sizeof(uint64_t) : 0);
}

void writeItem(uint8_t* out, const mica::Entry& entry) {
  const mica::Attributes& attributes = entry.attributes;
  const Head head{piece::ITEM, static_cast<uint8_t>(entry.keyBytes),
                  static_cast<uint16_t>(attributes.state), entry.valueBytes};
  wire::store(out, Item{head, attributes.version, attributes.flags, attributes.expiry});
  std::memcpy(out + sizeof(Item), entry.key, entry.keyBytes);
  uint8_t* const value = out + sizeof(Item) + entry.keyBytes;
  std::memcpy(value, entry.value, entry.valueBytes);
  if ((attributes.state & mica::state::CAS) != 0) {
    wire::store(value + entry.valueBytes, attributes.cas);
  }
}

}  // namespace

void Snapshot::begin(uint64_t counter, const SessionClock& clock) {
  require(!active_, "snapshot: one ends before the next begins");
  active_ = true;
  phase_ = Phase::items;
  ++serial_;
  counter_ = counter;
  items_ = store_.items();
  digest_ = store_.digest();
  sessionCount_ = sessionsDigest_ = 0;
  staying_.clear();
  cursor_ = {};
  place_ = 0;
  places_ = sessions_.places();
  store_.setKeeper(this, &cursor_, counter);
  Begin begin{{piece::BEGIN, 0, 0, sizeof(Begin) - sizeof(Head)}, MAGIC, VERSION, 0, counter,
              limits_, clock, store_.clockwork(), 0};
  begin.check = mica::hash64(&begin, offsetof(Begin, check), MAGIC);
  wire::store(queue_.append(sizeof begin), begin);
}

void Snapshot::end() {
  if (!active_) return;
  active_ = false;
  store_.setKeeper(nullptr, nullptr, 0);
  queue_.clear();
  staying_ = {};
}

uint32_t Snapshot::next(uint8_t* out, uint32_t bytes) {
  require(active_, "snapshot: parts are asked for between begin and end");
  Part part{out, bytes, 0};
  for (uint32_t looked = 0; looked <= LOOKED_MAX; ++looked) {
    part.written += static_cast<uint32_t>(queue_.take(out + part.written, bytes - part.written));
    if (part.written == bytes || phase_ == Phase::done) return part.written;
    step(part);
  }
  // Nothing was found worth telling, but this is not the end.
  if (part.written == 0) wire::store(room(part, sizeof SKIP_HEAD), SKIP_HEAD);
  return part.written;
}

/** For a piece: in the part when it fits whole, else at the end of the queue, from where it goes on. */
uint8_t* Snapshot::room(Part& part, size_t bytes) {
  if (!queue_.empty() || bytes > part.bytes - part.written) return queue_.append(bytes);
  part.written += static_cast<uint32_t>(bytes);
  return part.out + part.written - bytes;
}

void Snapshot::step(Part& part) {
  if (phase_ == Phase::items) {
    mica::Entry entry;
    if (!store_.next(cursor_, entry)) {
      phase_ = Phase::sessions;
    } else if (entry.attributes.version <= counter_) {
      writeItem(room(part, itemBytes(entry)), entry);
    }
  } else if (place_ == places_) {
    phase_ = Phase::done;
    writeEnd(room(part, sizeof(End)));
  } else {
    Session& session = sessions_.at(place_++);
    const size_t bytes = serializeSession(session);
    if (bytes != 0) writeSession(room(part, bytes));
  }
}

void Snapshot::keep(const mica::Entry& entry, bool stays) {
  // A hot item may be changed many times before the scan comes to it: the first time counts.
  if (stays && !staying_.insert(entry.attributes.version).second) return;
  writeItem(queue_.append(itemBytes(entry)), entry);
}

void Snapshot::keepSession(Session& session) {
  const size_t bytes = serializeSession(session);
  if (bytes != 0) writeSession(queue_.append(bytes));
}

/** Bytes of the session's piece; 0 when it is not of this state, or was written before. */
size_t Snapshot::serializeSession(Session& session) {
  const uint64_t id = session.state.id;
  if (id == 0 || id > counter_ || session.snapshot == serial_) return 0;
  session.snapshot = serial_;
  scratch_.clear();
  serialize(session.state, scratch_);
  ++sessionCount_;
  sessionsDigest_ += sessionDigest(scratch_.data(), scratch_.size());
  return sizeof(Head) + scratch_.size();
}

void Snapshot::writeSession(uint8_t* out) const {
  wire::store(out, Head{piece::SESSION, 0, 0, static_cast<uint32_t>(scratch_.size())});
  std::memcpy(out + sizeof(Head), scratch_.data(), scratch_.size());
}

void Snapshot::writeEnd(uint8_t* out) const {
  const Head head{piece::END, 0, 0, sizeof(End) - sizeof(Head)};
  wire::store(out, End{head, items_, digest_, sessionCount_, sessionCount_ + sessionsDigest_});
}

}  // namespace machine

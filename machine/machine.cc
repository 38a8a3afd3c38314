#include "machine/machine.h"

namespace machine {

namespace {

/** Adding up resident memory takes a while: once in this many calls of apply. */
constexpr uint32_t RESIDENT_EVERY = 64;

const char* problemOf(const Settings& settings) {
  if (settings.datagramBytes < wire::DATAGRAM_BYTES_MIN ||
      settings.datagramBytes > wire::DATAGRAM_BYTES_MAX ||
      settings.datagramBytes % wire::DATAGRAM_ALIGN != 0) {
    return "datagramBytes must be a multiple of 64 from 960 to 65472";
  }
  if (settings.replica >= wire::ORIGIN_CLIENT) return "replica must be below 255";
  const uint64_t repliesEnd =
      settings.replyOffset + uint64_t{settings.replySlots} * settings.datagramBytes;
  if (settings.replySlots == 0 || settings.replyOffset % 4 != 0 ||
      repliesEnd > settings.slabBytes) {
    return "replyOffset and replySlots must name an aligned region inside the slab";
  }
  if (settings.linksMax == 0 || settings.linksMax > 1u << 20)
    return "linksMax must be from 1 to 2^20";
  if (settings.sessionsMax == 0 || settings.sessionsMax > 1u << 26)
    return "sessionsMax must be from 1 to 2^26";
  if (settings.sessionWindow == 0 || settings.sessionWindow > 1u << 20) {
    return "sessionWindow must be from 1 to 2^20";
  }
  if (settings.sessionMicros > wire::COUNTER_MAX) return "sessionMicros must be below 2^53";
  if (settings.rows < 2 || settings.rows > 1u << 20) return "rows must be from 2 to 2^20";
  return nullptr;
}

snapshot::Limits limitsOf(const Settings& settings) {
  return {settings.storeBytes, settings.sessionMicros, settings.sessionsMax, settings.sessionWindow,
          settings.evict};
}

}  // namespace

std::unique_ptr<Machine> Machine::create(const Settings& settings, std::string& error) {
  const char* const problem = problemOf(settings);
  if (problem != nullptr) {
    error = problem;
    return nullptr;
  }
  auto store = mica::Store::create(mica::Settings{.limitBytes = settings.storeBytes, .evict = settings.evict});
  if (store == nullptr) {
    error = "storeBytes is too large: the addresses for the store cannot be had";
    return nullptr;
  }
  return std::unique_ptr<Machine>(new Machine(settings, std::move(store)));
}

Machine::Machine(const Settings& s, std::unique_ptr<mica::Store> store)
    : settings_(s),
      store_(std::move(store)),
      counters_(s.counters),
      sessions_(s.sessionsMax),
      packer_(s.slab, s.datagramBytes, s.packRows, s.rows, counters_),
      replies_(
          {s.slab, s.datagramBytes, s.replyOffset, s.replySlots, s.linksMax, s.replyRows, s.rows},
          counters_),
      home_({s.slab, s.slabBytes, s.datagramBytes, s.replica, s.linksMax, s.sessionsMax,
             s.sessionWindow},
            sessions_, *store_, packer_, replies_, counters_),
      items_(*store_, keeping_),
      assembler_(*store_, items_),
      snapshot_(limitsOf(s), sessions_, *store_),
      applier_({s.slab, s.slabBytes, s.datagramBytes, s.replica, s.sessionWindow, s.sessionMicros},
               sessions_, *store_, home_, assembler_, items_, keeping_, snapshot_, counters_),
      restorer_(limitsOf(s), sessions_, *store_, assembler_, keeping_) {
  refreshGauges();
}

void Machine::linkOpen(uint32_t link, uint64_t age, Sink* sink) {
  require(!restorer_.active(), "machine: no link is opened while the state is restored");
  home_.linkOpen(link, age, sink);
}

uint32_t Machine::repliesClose() {
  const uint32_t count = replies_.close();
  counters_.set(counter::REPLY_SLOTS_FREE, replies_.slotsFree());
  counters_.set(counter::PENDING_RECORDS, home_.pendings());
  return count;
}

void Machine::packBegin(uint32_t offset, uint32_t bytes, uint64_t forwardSequence, bool refusing) {
  require(uint64_t{offset} + bytes <= settings_.slabBytes, "machine: a pack span is in the slab");
  packer_.begin(offset, bytes, forwardSequence, refusing);
}

bool Machine::packTick() {
  if (!store_->livesByTime() || !packer_.hasRoom()) return false;
  constexpr wire::Operation TICK{wire::op::TICK, 0, 0};
  wire::store(packer_.start(sizeof TICK, 1), TICK);
  const auto origin = static_cast<uint8_t>(settings_.replica);
  packer_.finish({0, 1, origin, 0, 0, 0, 0, 1, 0}, sizeof TICK, true);
  return true;
}

uint64_t Machine::sessionsDigest() const {
  constexpr uint64_t SEED = 0x636c6f636b776f72;
  const mica::Clockwork& clockwork = store_->clockwork();
  return sessions_.digest() + mica::hash64(&clockwork, sizeof clockwork, SEED);
}

void Machine::apply(uint32_t count) {
  require(count <= settings_.rows, "machine: there is a row for every entry to apply");
  require(!restorer_.active(), "machine: nothing is applied while the state is restored");
  applier_.apply(settings_.applyRows, count);
  refreshGauges();
}

bool Machine::snapshotBegin() {
  require(!restorer_.active(), "machine: a state that is being restored is not one to keep");
  if (snapshot_.active()) return false;
  snapshot_.begin(applier_.applied(), applier_.clock());
  return true;
}

uint32_t Machine::snapshotNext(uint32_t offset, uint32_t bytes) {
  require(bytes >= PART_BYTES_MIN && bytes <= PART_BYTES_MAX, "machine: a part has a possible size");
  require(uint64_t{offset} + bytes <= settings_.slabBytes, "machine: a part is in the slab");
  return snapshot_.next(settings_.slab + offset, bytes);
}

void Machine::clear() {
  require(replies_.noneOpen() && home_.pendings() == 0, "machine: who forgets has closed all links");
  snapshot_.end();
  restorer_.abandon();
  store_->clear();
  sessions_.clear();
  assembler_.clear();
  keeping_.clear();
  applier_.restart(0, {});
}

void Machine::restoreBegin() {
  clear();
  restorer_.begin();
  refreshGauges();
}

bool Machine::restorePart(uint32_t offset, uint32_t bytes) {
  require(uint64_t{offset} + bytes <= settings_.slabBytes, "machine: a part is in the slab");
  return restorer_.part(settings_.slab + offset, bytes);
}

bool Machine::restoreEnd() {
  if (!restorer_.end()) return false;
  applier_.restart(restorer_.counter(), restorer_.clock());
  refreshGauges();
  return true;
}

void Machine::reset() {
  clear();
  refreshGauges();
}

void Machine::refreshGauges() {
  counters_.set(counter::ITEMS, store_->items());
  counters_.set(counter::STORE_BYTES, store_->chargedBytes());
  counters_.set(counter::ITEMS_EXPIRING, store_->expiring());
  counters_.set(counter::ITEMS_EVICTED, store_->losses().evicted);
  counters_.set(counter::ITEMS_RECLAIMED, store_->losses().reclaimed);
  counters_.set(counter::SESSIONS, sessions_.count());
  counters_.set(counter::PENDING_RECORDS, home_.pendings());
  counters_.set(counter::REPLY_SLOTS_FREE, replies_.slotsFree());
  if (applyCalls_++ % RESIDENT_EVERY == 0)
    counters_.set(counter::RESIDENT_BYTES, store_->residentBytes());
}

}  // namespace machine

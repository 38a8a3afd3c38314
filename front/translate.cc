#include "front/translate.h"

#include <algorithm>
#include <climits>

#include "memcached/expiry.h"

namespace front {

namespace {

using memcached::Command;
using memcached::Mode;
using memcached::Outcome;
using memcached::Status;
using memcached::Verb;
namespace option = wire::option;

/** memcached's binary protocol has 32 bits without a sign; beyond the year 2038 is as good as 2038. */
int32_t seconds(int64_t exptime) {
  return static_cast<int32_t>(std::clamp<int64_t>(exptime, INT32_MIN, INT32_MAX));
}

bool returns(const Command& command, char flag) {
  const char* const end = command.returns + command.returnCount;
  return std::find(command.returns, end, flag) != end;
}

struct Parts {
  wire::Item item{};
  wire::ItemCas cas{};
  wire::Delta delta{};

  Ordered as(uint8_t kind) const {
    Ordered ordered{kind, {}};
    wire::store(ordered.prefix, item);
    // STORE ends behind `item`; the bytes of the others are zero, and are not sent.
    wire::store(ordered.prefix + sizeof item, cas);
    wire::store(ordered.prefix + sizeof item + sizeof cas, delta);
    return ordered;
  }
};
static_assert(sizeof(wire::Item) + sizeof(wire::ItemCas) + sizeof(wire::Delta) == machine::PREFIX_BYTES_MAX);

void addNewCas(Parts& parts, const Command& command) {
  if (!command.hasNewCas) return;
  parts.item.options |= option::NEW_CAS;
  parts.cas.newCas = command.newCas;
}

void addCas(Parts& parts, uint64_t cas) {
  parts.item.options |= option::IF_CAS;
  parts.cas.ifCas = cas;
}

void addTtl(Parts& parts, const Command& command) {
  if (!command.touches) return;
  parts.item.options |= option::TTL;
  parts.item.exptime = seconds(command.exptime);
}

void addVivify(Parts& parts, const Command& command) {
  if (!command.vivifies) return;
  parts.item.options |= option::VIVIFY;
  parts.item.vivify = seconds(command.vivifyExptime);
}

/**
 * Seconds before its end from which somebody is told to make an item anew. The order compares the time that the item
 * had; if the command wants the new one compared, what comes of it is known here.
 */
void addRecache(Parts& parts, const Command& command, uint32_t now) {
  const int64_t limit = memcached::expiresAt(command.recacheExptime, now);
  if (command.recachesFirst || !command.touches) {
    parts.item.options |= option::RECACHE;
    parts.item.flags = static_cast<uint32_t>(std::clamp<int64_t>(limit - now, 0, wire::RECACHE_ALWAYS - 1));
    return;
  }
  const int64_t expiry = memcached::expiresAt(command.exptime, now);
  if (expiry == memcached::EXPIRES_NEVER || expiry >= limit) return;
  parts.item.options |= option::RECACHE;
  parts.item.flags = wire::RECACHE_ALWAYS;
}

Ordered fetchOf(const Command& command, uint32_t now) {
  Parts parts;
  addTtl(parts, command);
  addVivify(parts, command);
  if (command.recaches) addRecache(parts, command, now);
  if (command.wins) parts.item.options |= option::META;
  // A size is told of a value, too.
  const bool sized = returns(command, 's');
  const bool plain = command.dialect != memcached::Dialect::meta && !command.touchOnly;
  if (command.wantsValue || sized || plain) parts.item.options |= option::VALUE;
  addNewCas(parts, command);
  return parts.as(wire::op::FETCH);
}

uint32_t modeOf(Mode mode) {
  switch (mode) {
    case Mode::add: return option::ADD;
    case Mode::replace: return option::REPLACE;
    case Mode::append: return option::APPEND;
    case Mode::prepend: return option::PREPEND;
    default: return option::SET;
  }
}

Ordered storeOf(const Command& command) {
  Parts parts;
  parts.item = {command.clientFlags, seconds(command.exptime), modeOf(command.mode), 0};
  const bool joins = command.mode == Mode::append || command.mode == Mode::prepend;
  if (command.mode == Mode::cas || (joins && command.hasCas && command.compareCas != 0)) {
    addCas(parts, command.compareCas);
    if (command.invalidates && command.compareCas != 0) parts.item.options |= option::STALE;
  }
  if (joins) addVivify(parts, command);
  addNewCas(parts, command);
  const bool plain = (parts.item.options & (option::IF_CAS | option::NEW_CAS)) == 0;
  return parts.as(plain ? wire::op::STORE : wire::op::STORE_IF);
}

Ordered dropOf(const Command& command) {
  Parts parts;
  if (command.hasCas) addCas(parts, command.compareCas);
  if (command.invalidates) {
    parts.item.options |= option::STALE;
    addTtl(parts, command);
    addNewCas(parts, command);
  }
  return parts.as(wire::op::DROP);
}

Ordered arithmeticOf(const Command& command) {
  Parts parts;
  parts.item.options = command.decreases ? option::DECREMENT : option::INCREMENT;
  if (command.hasCas && command.compareCas != 0) addCas(parts, command.compareCas);
  addTtl(parts, command);
  addVivify(parts, command);
  addNewCas(parts, command);
  parts.delta = {command.delta, command.initial};
  return parts.as(wire::op::ARITH);
}

Ordered flushOf(const Command& command) {
  Ordered ordered{wire::op::FLUSH, {}};
  wire::store(ordered.prefix, wire::Flush{seconds(command.exptime), 0});
  return ordered;
}

/** What a refusal is called depends on what was wanted. */
Status refusalOf(const Command& command, uint32_t status) {
  const bool joins = command.mode == Mode::append || command.mode == Mode::prepend;
  const bool writes = command.verb == Verb::write;
  switch (status) {
    case wire::status::NOT_FOUND: return writes && command.mode != Mode::cas ? Status::notStored : Status::notFound;
    case wire::status::EXISTS: return Status::notStored;
    case wire::status::VERSION_MISMATCH: return Status::exists;
    case wire::status::NOT_NUMBER: return Status::nonNumeric;
    case wire::status::FULL: return Status::noMemory;
    case wire::status::TOO_LARGE: return joins ? Status::notStored : Status::noMemory;
    default: return Status::failed;
  }
}

std::string_view sentenceOf(uint32_t status) {
  switch (status) {
    case wire::status::FULL: return "out of memory: too many answers are kept for clients that wait";
    case wire::status::NO_SPACE: return "the leader's disk is full: make room on it";
    case wire::status::OVERTAKEN: return "a later write of this connection was done already: read again";
    case wire::status::SESSION_EXPIRED: return "the replica was away for too long: it may or may not have been done";
    default: return "refused: the replicas do not have the same settings or versions";
  }
}

}  // namespace

bool isPlainRead(const Command& command) {
  return command.verb == Verb::read && !command.touches && !command.vivifies && !command.recaches;
}

bool isLocal(const Command& command) { return command.verb == Verb::statistics || command.verb == Verb::describe; }

bool asksFormerTime(const Command& command) { return command.touches && returns(command, 't'); }

Ordered readOf() { return {wire::op::GET_ITEM, {}}; }

Ordered orderedOf(const Command& command, uint32_t now) {
  switch (command.verb) {
    case Verb::read: return fetchOf(command, now);
    case Verb::write: return storeOf(command);
    case Verb::remove: return dropOf(command);
    case Verb::arithmetic: return arithmeticOf(command);
    default: return flushOf(command);
  }
}

int64_t ttlOf(uint32_t expiry, uint32_t now) {
  if (expiry == 0) return -1;
  return expiry > now ? expiry - now : 0;
}

Outcome outcomeOf(const Command& command, const wire::ItemHead& head, std::string_view value) {
  Outcome outcome;
  outcome.cas = head.cas;
  outcome.clientFlags = head.flags;
  outcome.stale = (head.state & wire::state::STALE) != 0;
  outcome.won = (head.state & wire::state::WON) != 0;
  outcome.wonBefore = (head.state & wire::state::SENT) != 0;
  outcome.fetchedBefore = (head.state & wire::state::FETCHED) != 0;
  outcome.created = (head.state & wire::state::CREATED) != 0;
  outcome.keyBinary = command.keyBinary;
  outcome.ttl = ttlOf(head.expiry, head.now);
  outcome.ttlBefore = outcome.created ? -1 : outcome.ttl;
  outcome.value = value;
  if (command.verb == Verb::arithmetic) {
    outcome.number = wire::load<uint64_t>(reinterpret_cast<const uint8_t*>(value.data()));
    outcome.value = {};
  }
  return outcome;
}

Outcome outcomeOf(const Command& command, uint32_t status, uint64_t version) {
  Outcome outcome;
  if (status == wire::status::OK) {
    outcome.cas = command.hasNewCas ? command.newCas : version;
    return outcome;
  }
  outcome.status = refusalOf(command, status);
  // memcached has no word for a read without memory.
  if (outcome.status == Status::noMemory && command.verb == Verb::read) outcome.status = Status::failed;
  if (outcome.status == Status::failed) outcome.value = sentenceOf(status);
  return outcome;
}

Outcome failureOf(std::string_view sentence) {
  Outcome outcome;
  outcome.status = Status::failed;
  outcome.value = sentence;
  return outcome;
}

}  // namespace front

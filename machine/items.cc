#include "machine/items.h"

#include <algorithm>

#include "machine/decimal.h"

namespace machine {

namespace {

namespace option = wire::option;

/** Of an answer: what the item itself has. */
constexpr uint32_t KEPT_STATE =
    wire::state::STALE | wire::state::SENT | wire::state::FETCHED | wire::state::CAS;
static_assert(wire::state::STALE == mica::state::STALE && wire::state::SENT == mica::state::SENT);
static_assert(wire::state::FETCHED == mica::state::FETCHED && wire::state::CAS == mica::state::CAS);

/** memcached's: up to so many seconds are from now on, more are since 1970. */
constexpr int32_t RELATIVE_SECONDS_MAX = 60 * 60 * 24 * 30;

wire::Item itemOf(const ItemOperation& operation) {
  return wire::load<wire::Item>(operation.prefix);
}

wire::ItemCas casOf(const ItemOperation& operation) {
  return wire::load<wire::ItemCas>(operation.prefix + sizeof(wire::Item));
}

/** Attributes of what the operation writes; STORE brings no cas. */
mica::Attributes attributesOf(const ItemOperation& operation, uint32_t flags, uint32_t expiry,
                              uint32_t state) {
  if ((itemOf(operation).options & option::NEW_CAS) == 0) {
    return {operation.version, flags, expiry, state & ~mica::state::CAS, 0};
  }
  return {operation.version, flags, expiry, state | mica::state::CAS, casOf(operation).newCas};
}

/** Whether the operation is to be refused because of what is there. */
bool mismatches(const ItemOperation& operation, const mica::Inspected& old) {
  return (itemOf(operation).options & option::IF_CAS) != 0 && casOf(operation).ifCas != old.cas;
}

Executed mismatchOf(const mica::Inspected& old) {
  return {wire::status::VERSION_MISMATCH, old.found.version};
}

constexpr Executed NOT_FOUND{wire::status::NOT_FOUND, 0};

}  // namespace

uint32_t expiryOf(int32_t exptime, uint32_t now) {
  if (exptime == 0) return 0;
  if (exptime < 0) return std::max(now, 1u);
  if (exptime > RELATIVE_SECONDS_MAX) return static_cast<uint32_t>(exptime);
  return now + std::min(static_cast<uint32_t>(exptime), UINT32_MAX - now);
}

wire::ItemHead headOf(const mica::Inspected& item, uint32_t now) {
  return {item.cas, item.found.flags, item.found.expiry, item.state & KEPT_STATE, now};
}

void Items::begin(const wire::ItemHead& head) {
  answer_.clear();
  add(&head, sizeof head);
}

void Items::add(const void* from, size_t bytes) {
  if (bytes == 0) return;
  const size_t at = answer_.size();
  answer_.resize(at + bytes);
  std::memcpy(answer_.data() + at, from, bytes);
}

Executed Items::execute(const ItemOperation& operation) {
  switch (operation.kind) {
    case wire::op::STORE:
    case wire::op::STORE_IF:
      return store(operation);
    case wire::op::FETCH:
      return fetch(operation);
    case wire::op::ARITH:
      return arith(operation);
    case wire::op::DROP:
      return drop(operation);
    case wire::op::FLUSH:
      return flush(operation);
    default:
      require(operation.kind == wire::op::USED, "items: every kind is known");
      return used(operation);
  }
}

Executed Items::write(const ItemOperation& operation, const uint8_t* value, uint32_t valueBytes,
                      mica::Attributes attributes) {
  const mica::Outcome outcome = store_.set(operation.hash, operation.key, operation.keyBytes, value,
                                           valueBytes, attributes);
  if (outcome.status == mica::Status::tooLarge) return {wire::status::TOO_LARGE, outcome.version};
  return executedOf(outcome, operation.version);
}

Executed Items::store(const ItemOperation& operation) {
  const wire::Item item = itemOf(operation);
  const uint32_t mode = item.options & option::MODE_MASK;
  mica::Inspected old;
  // A plain set asks for nothing that is there.
  const bool asks = mode != option::SET || (item.options & option::IF_CAS) != 0;
  const bool there = asks && inspect(operation, old);
  if (mode == option::APPEND || mode == option::PREPEND) return extend(operation, there, old);
  uint32_t expiry = expiryOf(item.exptime, store_.now());
  uint32_t state = 0;
  if (mode == option::ADD) {
    if (there) return {wire::status::EXISTS, old.found.version};
  } else if (asks) {
    if (!there) return NOT_FOUND;
    if (mismatches(operation, old)) {
      const bool older = casOf(operation).ifCas < old.cas;
      if ((item.options & option::STALE) == 0 || !older) return mismatchOf(old);
      // Better than nothing, but somebody knows something newer: it stays as stale as it was.
      state = mica::state::STALE | (old.state & mica::state::SENT);
      expiry = old.found.expiry;
    }
  }
  return write(operation, operation.value, operation.valueBytes,
               attributesOf(operation, item.flags, expiry, state));
}

/** APPEND and PREPEND: flags and expiry stay. */
Executed Items::extend(const ItemOperation& operation, bool there, const mica::Inspected& old) {
  const wire::Item item = itemOf(operation);
  if (!there) {
    if ((item.options & option::VIVIFY) == 0) return NOT_FOUND;
    const uint32_t expiry = expiryOf(item.vivify, store_.now());
    return write(operation, operation.value, operation.valueBytes,
                 attributesOf(operation, item.flags, expiry, 0));
  }
  if (mismatches(operation, old)) return mismatchOf(old);
  const uint64_t bytes = uint64_t{old.found.valueBytes} + operation.valueBytes;
  if (bytes > wire::VALUE_BYTES_MAX) return {wire::status::TOO_LARGE, old.found.version};
  const uint8_t* const oldEnd = old.found.value + old.found.valueBytes;
  const uint8_t* const newEnd = operation.value + operation.valueBytes;
  const bool appends = (item.options & option::MODE_MASK) == option::APPEND;
  scratch_.assign(appends ? old.found.value : operation.value, appends ? oldEnd : newEnd);
  scratch_.insert(scratch_.end(), appends ? operation.value : old.found.value,
                  appends ? newEnd : oldEnd);
  return write(operation, scratch_.data(), static_cast<uint32_t>(bytes),
               attributesOf(operation, old.found.flags, old.found.expiry, 0));
}

/** Somebody made it at last, or was asked to: the token is its, and the others see it is sent. */
Executed Items::fetchMissing(const ItemOperation& operation) {
  const wire::Item item = itemOf(operation);
  if ((item.options & option::VIVIFY) == 0) return NOT_FOUND;
  const uint32_t expiry = expiryOf(item.vivify, store_.now());
  const Executed made =
      write(operation, nullptr, 0, attributesOf(operation, 0, expiry, mica::state::SENT));
  if (made.status != wire::status::OK) return made;
  const uint64_t cas =
      (item.options & option::NEW_CAS) != 0 ? casOf(operation).newCas : operation.version;
  begin({cas, 0, expiry, wire::state::CREATED | wire::state::WON, store_.now()});
  return {OK_WITH_ANSWER, operation.version};
}

Executed Items::fetch(const ItemOperation& operation) {
  const wire::Item item = itemOf(operation);
  const uint32_t now = store_.now();
  mica::Inspected old;
  const bool there = inspect(operation, old);
  const bool valued = there && (item.options & option::VALUE) != 0;
  const uint32_t valueBytes = valued ? old.found.valueBytes : 0;
  if (!keeping_.fits(sizeof(wire::ItemHead) + valueBytes)) return {wire::status::FULL, 0};
  if (!there) return fetchMissing(operation);

  bool won = false;
  if ((item.options & option::META) != 0 && (old.state & mica::state::SENT) == 0) {
    const bool always = item.flags == wire::RECACHE_ALWAYS;
    const bool soon = always || (old.found.expiry != 0 && old.found.expiry < uint64_t{now} + item.flags);
    won = (old.state & mica::state::STALE) != 0 || ((item.options & option::RECACHE) != 0 && soon);
  }
  const bool touched = (item.options & option::TTL) != 0;
  const uint32_t expiry = touched ? expiryOf(item.exptime, now) : old.found.expiry;
  wire::ItemHead head = headOf(old, now);
  head.expiry = expiry;
  head.state |= won ? wire::state::WON : 0;
  begin(head);
  add(old.found.value, valueBytes);
  const uint32_t state = old.state | mica::state::FETCHED | (won ? mica::state::SENT : 0);
  const bool changed =
      store_.retouch(operation.hash, operation.key, operation.keyBytes, expiry, state);
  require(changed, "items: what was seen is there");
  return {OK_WITH_ANSWER, old.found.version};
}

Executed Items::answerNumber(const ItemOperation& operation, uint64_t number, uint32_t expiry, uint32_t more) {
  mica::Inspected item;
  // Written with a time that is over, it is gone already; who wrote it is answered all the same, and told that time.
  wire::ItemHead head{operation.version, 0, expiry, 0, store_.now()};
  if (inspect(operation, item)) head = headOf(item, store_.now());
  head.state |= more;
  begin(head);
  add(&number, sizeof number);
  return {OK_WITH_ANSWER, operation.version};
}

Executed Items::arithMissing(const ItemOperation& operation) {
  const wire::Item item = itemOf(operation);
  if ((item.options & option::VIVIFY) == 0) return NOT_FOUND;
  const auto delta = wire::load<wire::Delta>(operation.prefix + PREFIXES[wire::op::STORE_IF]);
  uint8_t text[DECIMAL_BYTES_MAX];
  const uint32_t bytes = writeDecimal(text, delta.initial);
  const uint32_t expiry = expiryOf(item.vivify, store_.now());
  const Executed made =
      write(operation, text, bytes, attributesOf(operation, item.flags, expiry, 0));
  if (made.status != wire::status::OK) return made;
  return answerNumber(operation, delta.initial, expiry, wire::state::CREATED);
}

Executed Items::arith(const ItemOperation& operation) {
  const wire::Item item = itemOf(operation);
  if (!keeping_.fits(sizeof(wire::ItemHead) + sizeof(uint64_t))) return {wire::status::FULL, 0};
  mica::Inspected old;
  if (!inspect(operation, old)) return arithMissing(operation);
  const uint32_t oldBytes = old.found.valueBytes;
  if (oldBytes != 0 && mismatches(operation, old)) return mismatchOf(old);
  uint64_t number;
  if (!parseDecimal(old.found.value, oldBytes, number)) {
    return {wire::status::NOT_NUMBER, old.found.version};
  }
  const auto delta = wire::load<wire::Delta>(operation.prefix + PREFIXES[wire::op::STORE_IF]).delta;
  const bool increments = (item.options & option::MODE_MASK) == option::INCREMENT;
  number = increments ? number + delta : number - std::min(delta, number);
  // As memcached: a number that became shorter is followed by spaces.
  scratch_.assign(std::max(oldBytes, DECIMAL_BYTES_MAX), ' ');
  const uint32_t digits = writeDecimal(scratch_.data(), number);
  const uint32_t bytes = std::max(digits, oldBytes);
  std::fill(scratch_.begin() + digits, scratch_.begin() + bytes, ' ');
  const bool touched = (item.options & option::TTL) != 0;
  const uint32_t expiry = touched ? expiryOf(item.exptime, store_.now()) : old.found.expiry;
  // A longer number is a new item: nothing is left of a former one that was stale.
  const uint32_t state = bytes > oldBytes ? 0 : old.state & ~mica::state::USES;
  const Executed written = write(operation, scratch_.data(), bytes,
                                 attributesOf(operation, old.found.flags, expiry, state));
  if (written.status != wire::status::OK) return written;
  return answerNumber(operation, number, expiry, 0);
}

Executed Items::drop(const ItemOperation& operation) {
  const wire::Item item = itemOf(operation);
  mica::Inspected old;
  if (!inspect(operation, old)) return NOT_FOUND;
  if (mismatches(operation, old)) return mismatchOf(old);
  if ((item.options & option::STALE) == 0) {
    return executedOf(store_.remove(operation.hash, operation.key, operation.keyBytes),
                      operation.version);
  }
  const bool touched = (item.options & option::TTL) != 0;
  const uint32_t expiry = touched ? expiryOf(item.exptime, store_.now()) : old.found.expiry;
  // Whoever asks next takes the token.
  const uint32_t state = mica::state::STALE | (old.state & mica::state::FETCHED);
  scratch_.assign(old.found.value, old.found.value + old.found.valueBytes);
  return write(operation, scratch_.data(), static_cast<uint32_t>(scratch_.size()),
               attributesOf(operation, old.found.flags, expiry, state));
}

Executed Items::flush(const ItemOperation& operation) {
  const auto exptime = wire::load<wire::Flush>(operation.prefix).exptime;
  // A second earlier than it says, as memcached does: 1 is now.
  store_.flush(operation.version, exptime <= 0 ? 0 : expiryOf(exptime, store_.now()) - 1);
  return {wire::status::OK, operation.version};
}

Executed Items::used(const ItemOperation& operation) {
  for (uint32_t at = 0; at < operation.valueBytes; at += sizeof(uint64_t)) {
    store_.used(wire::load<uint64_t>(operation.value + at));
  }
  return {wire::status::OK, operation.version};
}

}  // namespace machine

#include "memcached/test/reference.h"

#include <algorithm>

#include "memcached/expiry.h"
#include "memcached/numbers.h"

namespace memcached::test {
namespace {

Outcome of(Status status) {
  Outcome outcome;
  outcome.status = status;
  return outcome;
}

}  // namespace

void Reference::serve(Connection& connection) {
  while (const Command* const command = connection.take()) connection.answer(execute(*command, connection));
}

Outcome Reference::execute(const Command& command, Connection& connection) {
  ++commands_;
  switch (command.verb) {
    case Verb::read: return read(command);
    case Verb::write: return write(command);
    case Verb::remove: return remove(command);
    case Verb::arithmetic: return count(command);
    case Verb::flush: return flush(command);
    case Verb::statistics: return statistics(command, connection);
    case Verb::describe: return describe(command);
    case Verb::say: break;
  }
  require(false, "reference: a reply without execution is not given out");
  return {};
}

/** The item, unless it is over; then it is gone for good. */
Item* Reference::find(std::string_view key) {
  const auto at = items_.find(key);
  if (at == items_.end()) return nullptr;
  Item& item = at->second;
  const bool flushes = flushedTime_ != 0 && flushedTime_ <= now;
  const bool flushed = flushes && (item.accessed <= flushedTime_ || (flushedCas_ != 0 && item.cas < flushedCas_));
  if (!flushed && !isExpired(item.expiry, now)) return &item;
  items_.erase(at);
  return nullptr;
}

Item& Reference::put(std::string_view key) {
  Item& item = items_[std::string(key)];
  item = Item{};
  item.accessed = now;
  return item;
}

bool Reference::fits(std::string_view key, uint32_t clientFlags, size_t valueBytes) const {
  return itemBytes(key.size(), clientFlags, valueBytes) <= itemBytesMax_;
}

void Reference::bump(Item& item) {
  if (item.fetched && !item.active) {
    item.active = true;
    item.accessed = now;
  }
  item.fetched = true;
}

int64_t Reference::ttlOf(const Item& item) const {
  return item.expiry == EXPIRES_NEVER ? -1 : std::max<int64_t>(item.expiry - now, 0);
}

Outcome Reference::read(const Command& command) {
  Outcome outcome;
  Item* item = find(command.key);
  if (item == nullptr) {
    if (!command.vivifies) return of(Status::notFound);
    item = &put(command.key);
    item->cas = ++cas_;
    outcome.created = true;
    outcome.won = true;
  }
  outcome.ttlBefore = ttlOf(*item);
  const int64_t former = item->expiry;
  if (command.touches) item->expiry = expiresAt(command.exptime, now);
  const int64_t compared = command.recachesFirst ? former : item->expiry;
  if (outcome.created) item->expiry = expiresAt(command.vivifyExptime, now);
  if (command.recaches && !outcome.created && !item->won && compared != EXPIRES_NEVER) {
    outcome.won = compared < expiresAt(command.recacheExptime, now);
  }
  outcome.wonBefore = item->won;
  outcome.stale = item->stale;
  outcome.won = outcome.won || (command.wins && item->stale && !item->won);
  item->won = item->won || outcome.won;
  outcome.fetchedBefore = item->fetched;
  outcome.idleSeconds = static_cast<uint32_t>(now - item->accessed);
  outcome.keyBinary = item->keyBinary;
  outcome.clientFlags = item->clientFlags;
  outcome.cas = item->cas;
  outcome.ttl = ttlOf(*item);
  shown_ = item->value;
  outcome.value = shown_;
  if (command.bumps) bump(*item);
  return outcome;
}

Outcome Reference::write(const Command& command) {
  Item* const former = find(command.key);
  switch (command.mode) {
    case Mode::set: break;
    case Mode::add:
      if (former != nullptr) return of(Status::notStored);
      break;
    case Mode::replace:
      if (former == nullptr) return of(Status::notStored);
      break;
    case Mode::append:
    case Mode::prepend: return former == nullptr ? of(Status::notStored) : join(command, *former);
    case Mode::cas:
      if (former == nullptr) return of(Status::notFound);
      if (command.compareCas == 0 || (command.compareCas != former->cas &&
                                      !(command.invalidates && command.compareCas < former->cas))) {
        return of(Status::exists);
      }
      break;
  }
  return replaceItem(command, former);
}

Outcome Reference::replaceItem(const Command& command, Item* former) {
  const bool becomesStale = command.mode == Mode::cas && command.compareCas != former->cas;
  const bool staysWon = becomesStale && former->won;
  const int64_t expiry = becomesStale ? former->expiry : expiresAt(command.exptime, now);
  Item& item = put(command.key);
  item.value = command.value;
  item.clientFlags = command.clientFlags;
  item.expiry = expiry;
  item.stale = becomesStale;
  item.won = staysWon;
  item.keyBinary = command.keyBinary;
  item.cas = casFor(command);
  Outcome outcome;
  outcome.cas = item.cas;
  return outcome;
}

Outcome Reference::join(const Command& command, Item& former) {
  if (command.hasCas && command.compareCas != 0 && command.compareCas != former.cas) return of(Status::exists);
  const uint32_t flags = former.clientFlags;
  const int64_t expiry = former.expiry;
  if (!fits(command.key, flags, former.value.size() + command.value.size())) return of(Status::notStored);
  std::string value = command.mode == Mode::append ? former.value + std::string(command.value)
                                                   : std::string(command.value) + former.value;
  Item& item = put(command.key);
  item.value = std::move(value);
  item.clientFlags = flags;
  item.expiry = expiry;
  item.cas = casFor(command);
  Outcome outcome;
  outcome.cas = item.cas;
  return outcome;
}

Outcome Reference::remove(const Command& command) {
  Item* const item = find(command.key);
  if (item == nullptr) return of(Status::notFound);
  if (command.hasCas && command.compareCas != item->cas) return of(Status::exists);
  if (!command.invalidates) {
    items_.erase(items_.find(command.key));
    return {};
  }
  if (command.touches) item->expiry = expiresAt(command.exptime, now);
  item->stale = true;
  item->won = false;
  item->cas = casFor(command);
  return {};
}

Outcome Reference::create(const Command& command) {
  Item& item = put(command.key);
  item.value = std::to_string(command.initial);
  item.expiry = expiresAt(command.vivifyExptime, now);
  item.cas = casFor(command);
  Outcome outcome;
  outcome.created = true;
  outcome.number = command.initial;
  outcome.cas = item.cas;
  outcome.ttl = ttlOf(item);
  return outcome;
}

Outcome Reference::count(const Command& command) {
  Item* item = find(command.key);
  if (item == nullptr) return command.vivifies ? create(command) : of(Status::notFound);
  if (item->value.empty()) return of(Status::nonNumeric);
  if (command.hasCas && command.compareCas != 0 && command.compareCas != item->cas) return of(Status::exists);
  uint64_t number;
  if (!readU64(item->value, number)) return of(Status::nonNumeric);
  if (!command.decreases) {
    number += command.delta;
  } else {
    number = command.delta > number ? 0 : number - command.delta;
  }
  Outcome outcome;
  outcome.ttlBefore = ttlOf(*item);
  std::string text = std::to_string(number);
  if (text.size() <= item->value.size()) {
    text.resize(item->value.size(), ' ');
    item->value = text;
  } else {
    const Item former = *item;
    item = &put(command.key);
    item->value = text;
    item->clientFlags = former.clientFlags;
    item->expiry = former.expiry;
  }
  if (command.touches) item->expiry = expiresAt(command.exptime, now);
  item->cas = casFor(command);
  outcome.number = number;
  outcome.cas = item->cas;
  outcome.ttl = ttlOf(*item);
  return outcome;
}

Outcome Reference::flush(const Command& command) {
  flushedTime_ = (command.exptime > 0 ? expiresAt(command.exptime, now) : now) - 1;
  if (flushedTime_ <= now) flushedCas_ = ++cas_;
  return {};
}

Outcome Reference::statistics(const Command& command, Connection& connection) {
  if (command.key == "reset") {
    commands_ = 0;
    return of(Status::reset);
  }
  if (command.key == "detail") return of(Status::done);
  if (!command.key.empty() && command.key != "items") return of(Status::notFound);
  connection.statistic("curr_items", std::to_string(items_.size()));
  connection.statistic("cmd_total", std::to_string(commands_));
  return {};
}

Outcome Reference::describe(const Command& command) {
  const Item* const item = find(command.key);
  if (item == nullptr) return of(Status::notFound);
  Outcome outcome;
  outcome.ttl = ttlOf(*item);
  outcome.idleSeconds = static_cast<uint32_t>(now - item->accessed);
  outcome.cas = item->cas;
  outcome.fetchedBefore = item->fetched;
  outcome.keyBinary = item->keyBinary;
  outcome.slabClass = 1;
  outcome.itemBytes = itemBytes(command.key.size(), item->clientFlags, item->value.size());
  return outcome;
}

}  // namespace memcached::test

// The part of front.h that answers here: reads from the store, statistics; and what is counted.

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <ctime>

#include "front/front.h"
#include "machine/items.h"

namespace front {

using memcached::Command;
using memcached::Connection;
using memcached::Outcome;
using memcached::Status;
using memcached::Verb;

namespace {

/** The item of a command's key, as the store has it now. */
struct Looked {
  uint64_t hash;
  bool isThere;
  mica::Inspected item;
};

Looked lookUp(const mica::Store& store, const Command& command) {
  const auto* const key = reinterpret_cast<const uint8_t*>(command.key.data());
  const auto keyBytes = static_cast<uint32_t>(command.key.size());
  Looked looked;
  looked.hash = mica::hashKey(key, keyBytes);
  looked.isThere = store.inspect(looked.hash, key, keyBytes, looked.item);
  return looked;
}

/** Stale, and nobody has won it. */
bool isFree(const mica::Inspected& item) {
  return (item.state & (wire::state::STALE | wire::state::SENT)) == wire::state::STALE;
}

Outcome of(Status status) {
  Outcome outcome;
  outcome.status = status;
  return outcome;
}

void say(Connection& connection, std::string_view name, uint64_t number) {
  char text[24];
  const char* const end = std::to_chars(text, text + sizeof text, number).ptr;
  connection.statistic(name, {text, static_cast<size_t>(end - text)});
}

void sayTime(Connection& connection, std::string_view name, const timeval& time) {
  char text[48];
  const int bytes = std::snprintf(text, sizeof text, "%ld.%06ld", time.tv_sec, static_cast<long>(time.tv_usec));
  connection.statistic(name, {text, static_cast<size_t>(bytes)});
}

/** Lines of a name, a blank and a value. */
void sayLines(Connection& connection, std::string_view lines) {
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    const size_t blank = line.find(' ');
    if (blank != line.npos) connection.statistic(line.substr(0, blank), line.substr(blank + 1));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

}  // namespace

/** False: it cannot be answered here, or not yet. */
bool Front::answerHere(Client& client, const Command& command) {
  switch (command.verb) {
    case Verb::read: return answerRead(client, command);
    case Verb::describe: describe(client, command); return true;
    default: return statistics(client, command);
  }
}

bool Front::answerRead(Client& client, const Command& command) {
  const mica::Store& store = machine_.store();
  const auto [hash, isThere, item] = lookUp(store, command);
  ++counts.local_reads;
  if (!isThere) {
    answer(client, command, of(Status::notFound));
    return true;
  }
  // Only one may win what is stale: the order decides who.
  if (command.wins && isFree(item)) return false;
  if (command.bumps) tellRead(hash);
  const auto* const value = reinterpret_cast<const char*>(item.found.value);
  answer(client, command, outcomeOf(command, machine::headOf(item, store.now()), {value, item.found.valueBytes}));
  return true;
}

/**
 * A read that was sent again behind a failover, whose place in the order has passed. What is there now is as good,
 * unless a command of its own connection may have changed it: a connection does not see what it says later.
 */
bool Front::readAgain(Client& client) {
  const Command& command = *client.waiting.front().command;
  if (client.waiting.changesBehindFirst(command.key) || mayWin(client, command)) return false;
  client.waiting.pop();
  client.progressMillis = nowMillis_;
  ++counts.read_again;
  machine::require(answerRead(client, command), "front: what nobody can win is answered");
  touch(client);
  activate(client);
  return true;
}

/** Whether the command would win a token: then it is a write in the order. */
bool Front::mayWin(const Client& client, const Command& command) const {
  if (!command.wins) return false;
  if (client.waiting.invalidates()) return true;
  const Looked looked = lookUp(machine_.store(), command);
  return looked.isThere && isFree(looked.item);
}

void Front::describe(Client& client, const Command& command) {
  const mica::Store& store = machine_.store();
  const auto [hash, isThere, item] = lookUp(store, command);
  if (!isThere) return answer(client, command, of(Status::notFound));
  Outcome outcome = outcomeOf(command, machine::headOf(item, store.now()), {});
  outcome.slabClass = 1;
  outcome.itemBytes = memcached::itemBytes(command.key.size(), item.found.flags, item.found.valueBytes);
  answer(client, command, outcome);
}

/** Of the item as it is now; nobody else is asked, so another connection's write may come between. */
uint32_t Front::expiryOf(const Command& command) const {
  const Looked looked = lookUp(machine_.store(), command);
  return looked.isThere ? looked.item.found.expiry : 0;
}

bool Front::statistics(Client& client, const Command& command) {
  Connection& connection = client.connection;
  if (command.key == "reset") {
    counts = Counts{};
    return answer(client, command, of(Status::reset)), true;
  }
  if (command.key == "detail") return answer(client, command, of(Status::done)), true;
  const bool items = command.key == "items" || command.key == "slabs" || command.key == "sizes";
  const bool tells = command.key.empty() || command.key == "settings" || command.key == "replication";
  if (!items && !tells && command.key != "conns") return answer(client, command, of(Status::notFound)), true;
  if (tells && !hasTold_) {
    wantsTold_ = true;
    activate(client);
    return false;
  }
  const mica::Store& store = machine_.store();
  if (command.key.empty()) {
    generalStatistics(connection);
  } else if (tells) {
    sayLines(connection, command.key == "settings" ? told_.settings : told_.replication);
  } else if (command.key == "items" && store.items() != 0) {
    say(connection, "items:1:number", store.items());
    say(connection, "items:1:mem_requested", store.chargedBytes());
    say(connection, "items:1:evicted", store.losses().evicted);
    say(connection, "items:1:reclaimed", store.losses().reclaimed);
  } else if (command.key == "slabs") {
    say(connection, "active_slabs", store.items() != 0 ? 1 : 0);
    say(connection, "total_malloced", store.residentBytes());
  } else if (command.key == "conns") {
    say(connection, "open", connections);
  }
  hasTold_ = false;
  return answer(client, command, Outcome{}), true;
}

void Front::generalStatistics(Connection& connection) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const mica::Store& store = machine_.store();
  say(connection, "pid", static_cast<uint64_t>(getpid()));
  say(connection, "time", static_cast<uint64_t>(time(nullptr)));
  say(connection, "pointer_size", sizeof(void*) * 8);
  sayTime(connection, "rusage_user", usage.ru_utime);
  sayTime(connection, "rusage_system", usage.ru_stime);
  say(connection, "max_connections", connectionsMax);
  say(connection, "curr_connections", connections);
#define FRONT_SAY(name) say(connection, #name, counts.name);
  FRONT_COUNTS(FRONT_SAY)
#undef FRONT_SAY
  say(connection, "curr_sessions", sessions_.count());
  say(connection, "threads", 1);
  say(connection, "bytes", store.chargedBytes());
  say(connection, "curr_items", store.items());
  say(connection, "evictions", store.losses().evicted);
  say(connection, "reclaimed", store.losses().reclaimed);
  sayLines(connection, told_.general);
}

void Front::count(const Command& command, const Outcome& outcome) {
  const bool ok = outcome.status == Status::ok;
  if (outcome.status == Status::failed) ++counts.failed_commands;
  if (command.dialect == memcached::Dialect::meta) ++counts.cmd_meta;
  switch (command.verb) {
    case Verb::read: return countRead(command, ok);
    case Verb::write:
      ++counts.cmd_set;
      if (command.mode == memcached::Mode::cas) {
        ++(ok ? counts.cas_hits : outcome.status == Status::exists ? counts.cas_badval : counts.cas_misses);
      }
      return;
    case Verb::remove: ++(ok ? counts.delete_hits : counts.delete_misses); return;
    case Verb::arithmetic: return countArithmetic(command, outcome.status);
    case Verb::flush: ++counts.cmd_flush; return;
    default: return;
  }
}

void Front::countRead(const Command& command, bool hit) {
  if (command.touches) {
    ++counts.cmd_touch;
    ++(hit ? counts.touch_hits : counts.touch_misses);
  }
  if (command.touchOnly) return;
  ++counts.cmd_get;
  ++(hit ? counts.get_hits : counts.get_misses);
}

void Front::countArithmetic(const Command& command, Status status) {
  const bool hit = status != Status::notFound;
  if (command.decreases) {
    ++(hit ? counts.decr_hits : counts.decr_misses);
  } else {
    ++(hit ? counts.incr_hits : counts.incr_misses);
  }
}

}  // namespace front

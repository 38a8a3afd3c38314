/**
 * A pipelined load for memcached and Redis: a number of connections on one thread, on each of which a number of
 * requests is always outstanding. What was answered is replaced by as many new requests in one send.
 *
 * Why not redis-benchmark or memcslap: the first sends a pipeline and waits for all of it, and knows no WAIT after
 * SETs; the second does not pipeline. Both reach less from the same server.
 *
 * Usage: pipeline --dialect memcached|redis --servers HOST:PORT [--wait-replicas N --wait-every N]
 *                 [options of all loads]
 */
#include <deque>
#include <memory>

#include "bench/native/dialects.h"
#include "bench/native/run.h"
#include "bench/native/sockets.h"

namespace bench {
namespace {

constexpr size_t READ_BYTES = 1 << 18;
constexpr int SILENCE_MILLIS_MAX = 10'000;

enum class Kind : uint8_t { set, get, wait };

struct Request {
  Kind kind;
  int64_t issuedAt;
};

struct Connection {
  Wire wire{};
  std::string in{};
  std::deque<Request> outstanding{};
  std::deque<Request> unsafe{};  // sets that were answered and wait for replicas
  uint32_t setsSinceWait = 0;
};

struct Load {
  Run run;
  Dialect& dialect;
  uint32_t waitReplicas;
  uint32_t waitEvery;
  Watch watch;
};

/** False when nothing is left to be asked in this phase. */
bool issue(Load& load, Connection& connection, int64_t now) {
  const std::optional<Drawn> drawn = draw(load.run);
  if (!drawn) return false;
  std::string& out = connection.wire.out;
  if (drawn->isWrite) load.dialect.set(out, drawn->id);
  else load.dialect.get(out, drawn->id);
  connection.outstanding.push_back({drawn->isWrite ? Kind::set : Kind::get, now});
  if (!drawn->isWrite || load.waitReplicas == 0 || ++connection.setsSinceWait < load.waitEvery) return true;
  connection.setsSinceWait = 0;
  load.dialect.wait(out, load.waitReplicas);
  connection.outstanding.push_back({Kind::wait, now});
  return true;
}

/** Fills the window, in one send. */
void refill(Load& load, Connection& connection) {
  const int64_t now = nanosNow();
  while (connection.outstanding.size() < load.run.options.outstanding && issue(load, connection, now)) continue;
  sendOut(load.watch, connection.wire);
}

void complete(Run& run, const Request& request, int64_t now) {
  if (run.phase == Phase::preload) {
    ++run.preloadAnswered;
    return;
  }
  ++(request.kind == Kind::get ? run.tally.reads : run.tally.writes);
  run.tally.latency.record(now - request.issuedAt);
}

Taken takeOne(const Load& load, Kind kind, std::string_view in) {
  if (kind == Kind::set) return load.dialect.takeSet(in);
  return kind == Kind::get ? load.dialect.takeGet(in) : load.dialect.takeWait(in, load.waitReplicas);
}

void takeAnswers(Load& load, Connection& connection) {
  const int64_t now = nanosNow();
  size_t at = 0;
  while (!connection.outstanding.empty()) {
    const Request request = connection.outstanding.front();
    const Taken taken = takeOne(load, request.kind, std::string_view(connection.in).substr(at));
    if (taken.answer == Answer::incomplete) break;
    at += taken.bytes;
    connection.outstanding.pop_front();
    if (taken.answer == Answer::bad) ++load.run.tally.errors;
    if (request.kind == Kind::wait) {
      for (const Request& each : connection.unsafe) complete(load.run, each, now);
      connection.unsafe.clear();
    } else if (request.kind == Kind::set && load.waitReplicas > 0 && load.run.phase == Phase::run) {
      connection.unsafe.push_back(request);
    } else if (taken.answer == Answer::ok) {
      complete(load.run, request, now);
    }
  }
  connection.in.erase(0, at);
}

void onReadable(Load& load, Connection& connection, std::vector<char>& room) {
  const size_t got = receive(load.watch, connection.wire, room.data(), room.size());
  if (got == 0) return;
  connection.in.append(room.data(), got);
  takeAnswers(load, connection);
  refill(load, connection);
}

void turn(Load& load, std::vector<char>& room) {
  awaitEvents(load.watch, [&](void* owner, uint32_t events) {
    auto& connection = *static_cast<Connection*>(owner);
    if ((events & EPOLLOUT) != 0) sendOut(load.watch, connection.wire);
    if ((events & ~uint32_t{EPOLLOUT}) != 0) onReadable(load, connection, room);
  });
}

int main(int argc, char** argv) {
  const Options given(argc, argv);
  const LoadOptions options = loadOptionsOf(given);
  const bool isMemcached = given.text("dialect", "redis") == "memcached";
  std::unique_ptr<Dialect> dialect;
  if (isMemcached) dialect = std::make_unique<Memcached>(options.valueBytes);
  else dialect = std::make_unique<Redis>(options.valueBytes);
  Load load{{options}, *dialect, given.count("wait-replicas", 0), std::max(1u, given.count("wait-every", 1)),
            {isMemcached ? "memcached" : "Redis", SILENCE_MILLIS_MAX}};
  std::vector<std::unique_ptr<Connection>> connections;
  for (uint32_t i = 0; i < options.connections; ++i) {
    connections.push_back(std::make_unique<Connection>());
    dial(load.watch, connections.back()->wire, serverOf(options, i), connections.back().get());
  }
  std::vector<char> room(READ_BYTES);
  // With WAITs in the preload as well, where there are replicas: they would have all of it still to apply when the run
  // begins.
  const auto start = [&] {
    for (const auto& each : connections) refill(load, *each);
  };
  return drive(load.run, start, [&] { turn(load, room); });
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::main(argc, argv); }

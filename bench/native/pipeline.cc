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
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <memory>

#include "bench/native/dialects.h"
#include "bench/native/load_options.h"

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
  int descriptor = -1;
  std::string out{};
  std::string in{};
  std::deque<Request> outstanding{};
  std::deque<Request> unsafe{};  // sets that were answered and wait for replicas
  uint32_t setsSinceWait = 0;
  bool wantsRoom = false;
};

struct Load {
  LoadOptions options;
  Dialect& dialect;
  uint32_t waitReplicas;
  uint32_t waitEvery;
  int poll;
  Random random{1};
  Tally tally{};
  Phase phase = Phase::preload;
  uint32_t preloaded = 0;
  uint32_t preloadAnswered = 0;
};

int dial(const Place& place) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(place.host.c_str(), place.port.c_str(), &hints, &found) != 0) {
    stop("No address for " + place.host + ".");
  }
  const int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 || connect(descriptor, found->ai_addr, found->ai_addrlen) != 0) {
    stop("No connection to " + place.host + ":" + place.port + ": is the server running?");
  }
  freeaddrinfo(found);
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  return descriptor;
}

void issue(Load& load, Connection& connection, int64_t now) {
  const LoadOptions& options = load.options;
  const bool preloads = load.phase == Phase::preload;
  if (preloads && load.preloaded == options.keys) return;
  const uint32_t id = preloads ? load.preloaded++ : load.random.below(options.keys);
  const bool isSet = preloads || load.random.below(1000) < options.writesOf1000;
  if (isSet) load.dialect.set(connection.out, id);
  else load.dialect.get(connection.out, id);
  connection.outstanding.push_back({isSet ? Kind::set : Kind::get, now});
  if (!isSet || load.waitReplicas == 0 || ++connection.setsSinceWait < load.waitEvery) return;
  connection.setsSinceWait = 0;
  load.dialect.wait(connection.out, load.waitReplicas);
  connection.outstanding.push_back({Kind::wait, now});
}

/** Fills the window, in one send. */
void refill(Load& load, Connection& connection) {
  const int64_t now = nanosNow();
  while (load.phase != Phase::end && connection.outstanding.size() < load.options.outstanding) {
    const size_t before = connection.outstanding.size();
    issue(load, connection, now);
    if (connection.outstanding.size() == before) break;
  }
}

void flush(Load& load, Connection& connection) {
  size_t sent = 0;
  while (sent < connection.out.size()) {
    const ssize_t took = send(connection.descriptor, connection.out.data() + sent, connection.out.size() - sent,
                              MSG_NOSIGNAL);
    if (took < 0 && errno == EAGAIN) break;
    if (took < 0 && errno != EINTR) stop(std::string("The server's connection broke: ") + std::strerror(errno) + ".");
    if (took > 0) sent += static_cast<size_t>(took);
  }
  connection.out.erase(0, sent);
  const bool wants = !connection.out.empty();
  if (wants == connection.wantsRoom) return;
  connection.wantsRoom = wants;
  epoll_event event{wants ? uint32_t{EPOLLIN | EPOLLOUT} : uint32_t{EPOLLIN}, {&connection}};
  epoll_ctl(load.poll, EPOLL_CTL_MOD, connection.descriptor, &event);
}

void complete(Load& load, const Request& request, int64_t now) {
  if (load.phase == Phase::preload) {
    ++load.preloadAnswered;
    return;
  }
  ++(request.kind == Kind::get ? load.tally.reads : load.tally.writes);
  load.tally.latency.record(now - request.issuedAt);
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
    if (taken.answer == Answer::bad) ++load.tally.errors;
    if (request.kind == Kind::wait) {
      for (const Request& each : connection.unsafe) complete(load, each, now);
      connection.unsafe.clear();
    } else if (request.kind == Kind::set && load.waitReplicas > 0 && load.phase == Phase::run) {
      connection.unsafe.push_back(request);
    } else if (taken.answer == Answer::ok) {
      complete(load, request, now);
    }
  }
  connection.in.erase(0, at);
}

void onReadable(Load& load, Connection& connection, std::vector<char>& room) {
  const ssize_t got = recv(connection.descriptor, room.data(), room.size(), 0);
  if (got == 0) stop("The server closed a connection.");
  if (got < 0 && errno != EAGAIN && errno != EINTR) stop("The server's connection broke.");
  if (got <= 0) return;
  connection.in.append(room.data(), static_cast<size_t>(got));
  takeAnswers(load, connection);
  refill(load, connection);
  flush(load, connection);
}

void turn(Load& load, std::vector<char>& room) {
  epoll_event events[64];
  const int count = epoll_wait(load.poll, events, 64, SILENCE_MILLIS_MAX);
  if (count == 0) stop("The server does not answer any more.");
  for (int i = 0; i < count; ++i) {
    auto& connection = *static_cast<Connection*>(events[i].data.ptr);
    if ((events[i].events & EPOLLOUT) != 0) flush(load, connection);
    if ((events[i].events & ~uint32_t{EPOLLOUT}) != 0) onReadable(load, connection, room);
  }
}

double run(Load& load, std::vector<std::unique_ptr<Connection>>& connections) {
  std::vector<char> room(READ_BYTES);
  const auto start = [&] {
    for (const auto& each : connections) {
      refill(load, *each);
      flush(load, *each);
    }
  };
  if (load.options.preload) {
    // With WAITs as well, where there are replicas: they would have all of it still to apply when the run begins.
    start();
    while (load.preloadAnswered < load.options.keys) turn(load, room);
  }
  load.phase = Phase::run;
  start();
  const int64_t begin = nanosNow() + static_cast<int64_t>(load.options.warmUp * 1e9);
  while (nanosNow() < begin) turn(load, room);
  load.tally.reset();
  const int64_t measured = nanosNow();
  const int64_t end = measured + static_cast<int64_t>(load.options.seconds * 1e9);
  while (nanosNow() < end) turn(load, room);
  return static_cast<double>(nanosNow() - measured) / 1e9;
}

int main(int argc, char** argv) {
  const Options given(argc, argv);
  const LoadOptions options = loadOptionsOf(given);
  std::unique_ptr<Dialect> dialect;
  if (given.text("dialect", "redis") == "memcached") dialect = std::make_unique<Memcached>(options.valueBytes);
  else dialect = std::make_unique<Redis>(options.valueBytes);
  Load load{options, *dialect, given.count("wait-replicas", 0), std::max(1u, given.count("wait-every", 1)),
            epoll_create1(EPOLL_CLOEXEC)};
  std::vector<std::unique_ptr<Connection>> connections;
  for (uint32_t i = 0; i < options.connections; ++i) {
    connections.push_back(std::make_unique<Connection>());
    connections.back()->descriptor = dial(options.servers[i % options.servers.size()]);
    epoll_event event{EPOLLIN, {connections.back().get()}};
    epoll_ctl(load.poll, EPOLL_CTL_ADD, connections.back()->descriptor, &event);
  }
  const double seconds = run(load, connections);
  printTally(load.tally, seconds);
  return load.tally.errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::main(argc, argv); }

/** The sockets of a front, real ones, in this process: both sides take turns. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "front/server.h"
#include "front/test/world.h"
#include "memcached/test/streams.h"

namespace front::test {
namespace {

using memcached::test::Random;
using native_test::run;

constexpr uint32_t TURNS_MAX = 20'000;

struct Caller {
  explicit Caller(uint16_t port) : socket(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    CHECK(fcntl(socket, F_SETFL, O_NONBLOCK) == 0);
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  ~Caller() { hangUp(); }

  void hangUp() {
    if (socket >= 0) ::close(socket);
    socket = -1;
  }
  /** As much as goes. */
  size_t say(std::string_view bytes) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<size_t>(sent);
  }
  void hear(size_t bytesMax) {
    char room[65'536];
    const ssize_t got = ::recv(socket, room, std::min(bytesMax, sizeof room), 0);
    if (got > 0) heard.append(room, static_cast<size_t>(got));
    if (got == 0 || (got < 0 && errno != EAGAIN)) isOver = true;
  }

  int socket;
  std::string heard;
  bool isOver = false;
};

struct Place {
  explicit Place(const ServerSettings& settings, const rig::Options& options = {}) : machine(options) {
    log.time = 1'700'000'000'500'000;
    auto* const slab = const_cast<uint8_t*>(machine.slab());
    const FrontSettings front{slab, 0, options.datagramBytes, 0, options.sessionWindow, 0, WAIT_MILLIS, false};
    std::string error;
    server = Server::open(machine.machine(), front, settings, error);
    CHECK(server != nullptr);
  }
  ~Place() { server->front().dismiss(); }

  void turn() {
    server->receive(true, true, ++millis);
    machine.turn(log);
    server->flush();
    if (server->front().wantsTold()) server->front().tell({});
  }
  /** Until `enough` or as often as is enough for everything. */
  template <typename Enough>
  bool turnUntil(Enough&& enough) {
    for (uint32_t i = 0; i < TURNS_MAX; ++i) {
      if (enough()) return true;
      turn();
    }
    return false;
  }

  rig::Rig machine;
  rig::Log log;
  uint64_t millis = 1000;
  std::unique_ptr<Server> server;
};

ServerSettings anywhere() {
  ServerSettings settings;
  settings.host = "127.0.0.1";
  return settings;
}

void connectionLimit() {
  ServerSettings settings = anywhere();
  settings.connectionsMax = 2;
  Place place(settings);
  Caller first(place.server->port());
  Caller second(place.server->port());
  place.turn();
  Caller third(place.server->port());
  CHECK(place.turnUntil([&] { return third.hear(1000), third.isOver; }));
  CHECK(third.heard == "ERROR Too many open connections\r\n");
  CHECK(place.server->front().connections == 2);
  first.hangUp();
  CHECK(place.turnUntil([&] { return place.server->front().connections == 1; }));
  Caller fourth(place.server->port());
  fourth.say("version\r\n");
  CHECK(place.turnUntil([&] { return fourth.hear(1000), fourth.heard == "VERSION 1.6.18\r\n"; }));
}

void silence() {
  ServerSettings settings = anywhere();
  settings.idleMillis = 5000;
  Place place(settings);
  Caller silent(place.server->port());
  Caller talks(place.server->port());
  for (int i = 0; i < 10; ++i) {
    place.millis += 1000;
    talks.say("mn\r\n");
    for (int j = 0; j < 5; ++j) place.turn();
  }
  silent.hear(1000);
  talks.hear(1000);
  CHECK(silent.isOver && !talks.isOver);
  CHECK(place.server->front().counts.idle_kicks == 1);
}

/** Does not read, and asks for more than anybody keeps for it: it is not read from either, and no other waits. */
void slowReader() {
  Place place(anywhere());
  Caller slow(place.server->port());
  const std::string value(500'000, 'v');
  const std::string set = "set large 0 0 500000\r\n" + value + "\r\n";
  size_t said = 0;
  CHECK(place.turnUntil([&] { return said += slow.say(std::string_view(set).substr(said)), said == set.size(); }));
  std::string gets;
  for (int i = 0; i < 1000; ++i) gets += "get large\r\n";
  CHECK(slow.say(gets) == gets.size());
  for (int i = 0; i < 300; ++i) place.turn();
  const uint64_t written = place.server->front().counts.bytes_written;
  CHECK(written < 64u << 20);
  Caller other(place.server->port());
  other.say("mn\r\n");
  CHECK(place.turnUntil([&] { return other.hear(1000), other.heard == "MN\r\n"; }));
  const size_t expected = 8 + 1000 * (value.size() + 29);
  uint64_t heard = 0;
  for (uint32_t i = 0; i < 100 * TURNS_MAX && heard < expected; ++i) {
    slow.hear(65'536);
    heard += slow.heard.size();
    slow.heard.clear();
    place.turn();
  }
  CHECK(heard == expected);
}

/** Random streams over real sockets; who hangs up in the middle leaves nothing behind. */
void hangUps() {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random{std::mt19937_64{seed}};
    Place place(anywhere());
    for (int i = 0; i < 6; ++i) {
      Caller caller(place.server->port());
      std::string stream = memcached::test::streamOf(random, 20);
      if (random.oneIn(2)) memcached::test::damage(random, stream);
      size_t said = 0;
      for (uint64_t turns = random.below(60); turns > 0; --turns) {
        said += caller.say(std::string_view(stream).substr(said, 1 + random.below(20'000)));
        if (said == stream.size()) break;
        if (random.oneIn(2)) caller.hear(1 + random.below(20'000));
        place.turn();
      }
      if (random.oneIn(2)) ::shutdown(caller.socket, SHUT_WR);
      for (int j = 0; j < 5; ++j) place.turn();
    }
    CHECK(place.turnUntil([&] { return place.server->front().connections == 0; }));
  }
}

}  // namespace

void serverTests() {
  run("server: one connection too many is told so, and a place that is free again is taken", connectionLimit);
  run("server: who is silent for too long is closed, who talks is not", silence);
  run("server: who does not read is not read from, and holds up nobody", slowReader);
  run("server: who hangs up in the middle of something leaves nothing behind", hangUps);
}

}  // namespace front::test

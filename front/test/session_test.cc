/** Sessions that connections borrow: too few of them, ended ones, and commands that wait for too long. */
#include "front/test/world.h"

namespace front::test {
namespace {

using native_test::run;

constexpr uint64_t SESSION_MILLIS = 3000;
constexpr uint64_t MICROS_PER_MILLI = 1000;

rig::Options withSessions(uint32_t count) {
  rig::Options options;
  options.sessionsMax = count;
  return options;
}

void fewSessions() {
  World world(withSessions(2));
  Peer* peers[12];
  for (Peer*& peer : peers) {
    peer = &world.connect();
    world.feed(*peer, "incr n 1\r\nset k 0 0 1\r\nv\r\nget k\r\n");
  }
  for (int i = 0; i < 2000; ++i) {
    world.turn();
    world.millis += 10;
  }
  for (Peer* const peer : peers) CHECK(peer->take() == "NOT_FOUND\r\nSTORED\r\nVALUE k 0 1\r\nv\r\nEND\r\n");
  CHECK(world.front().counts.sessions_opened == 2);
  CHECK(world.front().counts.failed_commands == 0);
}

void noSession() {
  World world(withSessions(1));
  world.machine().linkOpen(1);
  // Somebody else has the only one.
  world.machine().session(world.log, 1);
  Peer& peer = world.connect();
  world.feed(peer, "set k 0 0 1\r\nv\r\nget k\r\n");
  for (int i = 0; i < 100; ++i) world.turn();
  CHECK(peer.take().empty());
  world.millis += WAIT_MILLIS;
  for (int i = 0; i < 100; ++i) world.turn();
  const std::string sorry = "SERVER_ERROR the cluster has its most sessions: it was not done, try again\r\n";
  CHECK(peer.take().starts_with(sorry));
  // Reads need none.
  CHECK(world.ask(peer, "get k\r\n") == "END\r\n");
}

void endedSession() {
  rig::Options options;
  options.sessionMicros = SESSION_MILLIS * MICROS_PER_MILLI;
  World world(options, SESSION_MILLIS);
  Peer& peer = world.connect();
  CHECK(world.ask(peer, "set n 0 0 1\r\n1\r\n") == "STORED\r\n");
  // The log's time goes on without this replica, which keeps nothing alive meanwhile; somebody else writes.
  world.dismiss();
  world.machine().linkOpen(1);
  for (int i = 0; i < 4; ++i) {
    world.log.time += SESSION_MILLIS * MICROS_PER_MILLI;
    world.machine().session(world.log, 1);
  }
  const std::string reply = world.ask(peer, "incr n 1\r\nget n\r\n");
  CHECK(reply.starts_with("SERVER_ERROR the replica was away for too long: it may or may not have been done\r\n"));
  CHECK(world.ask(peer, "incr n 1\r\nget n\r\n") == "2\r\nVALUE n 0 1\r\n2\r\nEND\r\n");
  CHECK(world.front().counts.sessions_opened == 2);
}

void keptAlive() {
  rig::Options options;
  options.sessionMicros = SESSION_MILLIS * MICROS_PER_MILLI;
  World world(options, SESSION_MILLIS);
  Peer& peer = world.connect();
  CHECK(world.ask(peer, "set n 0 0 1\r\n1\r\n") == "STORED\r\n");
  for (int i = 0; i < 100; ++i) {
    world.millis += SESSION_MILLIS / 10;
    world.log.time += SESSION_MILLIS / 10 * MICROS_PER_MILLI;
    world.turn();
  }
  CHECK(world.ask(peer, "incr n 1\r\n") == "2\r\n");
  CHECK(world.front().counts.sessions_opened == 1);
}

/** The only session is busy with being kept alive when somebody asks for it. */
void awaitedErrand() {
  World world(withSessions(1), SESSION_MILLIS);
  Peer& first = world.connect();
  Peer& second = world.connect();
  CHECK(world.ask(first, "set n 0 0 1\r\n1\r\n") == "STORED\r\n");
  world.millis += SESSION_MILLIS / 2;
  world.turn();
  CHECK(world.ask(second, "incr n 1\r\n") == "2\r\n");
}

void spareSessions() {
  World world({}, SESSION_MILLIS);
  Peer* peers[20];
  for (Peer*& peer : peers) {
    peer = &world.connect();
    world.feed(*peer, "incr n 1\r\n");
  }
  for (int i = 0; i < 50; ++i) world.turn();
  const std::string before = world.ask(*peers[0], "stats\r\n");
  CHECK(before.find("STAT curr_sessions 20\r\n") != before.npos);
  world.millis += SESSION_MILLIS;
  for (int i = 0; i < 200; ++i) {
    world.millis += 50;
    world.turn();
  }
  const std::string after = world.ask(*peers[0], "stats\r\n");
  CHECK(after.find("STAT curr_sessions 4\r\n") != after.npos);
}

void noLeader() {
  World world;
  Peer& peer = world.connect();
  world.feed(peer, "get a\r\nset a 0 0 1\r\nv\r\n");
  for (int i = 0; i < 100; ++i) world.turn(Fate::applied, false, false);
  CHECK(peer.take().empty());
  world.millis += WAIT_MILLIS;
  for (int i = 0; i < 100; ++i) world.turn(Fate::applied, false, false);
  const std::string sorry = "SERVER_ERROR no leader for now: it may or may not have been done, try again\r\n";
  CHECK(peer.take() == sorry + sorry);
  CHECK(world.ask(peer, "get a\r\n") == "END\r\n");
}

}  // namespace

void sessionTests() {
  run("sessions: more connections than sessions take turns", fewSessions);
  run("sessions: none to be had is said after a while, and reads go on", noSession);
  run("sessions: one that ended answers its command with a sentence, and is replaced", endedSession);
  run("sessions: one that nobody uses is kept alive", keptAlive);
  run("sessions: one that is being kept alive goes to who waits for it", awaitedErrand);
  run("sessions: those that nobody needs are closed but for four", spareSessions);
  run("sessions: without a leader commands wait, then are told so", noLeader);
}

}  // namespace front::test

/** What was sent over a link that is lost: done once, in its order, and read as well as it can be. */
#include "front/test/world.h"

namespace front::test {
namespace {

using native_test::run;

/** Sends it, and loses the link behind what was done. */
std::string askLosing(World& world, Peer& peer, std::string_view bytes, Fate fate) {
  CHECK(world.feed(peer, bytes) == bytes.size());
  world.turn(fate);
  return world.ask(peer, {});
}

void once() {
  for (const Fate fate : {Fate::appliedAfterDismissal, Fate::lost}) {
    World world;
    Peer& peer = world.connect();
    CHECK(world.ask(peer, "set n 0 0 1\r\n0\r\nset s 0 0 1\r\n.\r\n") == "STORED\r\nSTORED\r\n");
    CHECK(askLosing(world, peer, "incr n 1\r\nappend s 0 0 1\r\nx\r\nincr n 1\r\n", fate) == "1\r\nSTORED\r\n2\r\n");
    CHECK(world.ask(peer, "get s\r\n") == "VALUE s 0 2\r\n.x\r\nEND\r\n");
    CHECK(world.front().counts.sent_again == 1);
  }
}

void readAgain() {
  World world;
  Peer& peer = world.connect();
  CHECK(world.ask(peer, "set a 0 0 1\r\n1\r\n") == "STORED\r\n");
  const std::string bytes = "set b 0 0 1\r\nb\r\nget a none\r\nset c 0 0 1\r\nc\r\nget c\r\n";
  const std::string reply = askLosing(world, peer, bytes, Fate::appliedAfterDismissal);
  CHECK(reply == "STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\nSTORED\r\nVALUE c 0 1\r\nc\r\nEND\r\n");
  CHECK(world.front().counts.read_again == 2);
}

/** Its own later write was done: the value between is gone, and nobody is told another. */
void notFromItsFuture() {
  for (const std::string_view later : {"set a 0 0 1\r\n2\r\n", "delete a\r\n", "flush_all\r\n"}) {
    World world;
    Peer& peer = world.connect();
    CHECK(world.ask(peer, "set a 0 0 1\r\n0\r\n") == "STORED\r\n");
    const std::string bytes = "set a 0 0 1\r\n1\r\nget a\r\n" + std::string(later);
    const std::string reply = askLosing(world, peer, bytes, Fate::appliedAfterDismissal);
    const std::string sorry = "SERVER_ERROR a later write of this connection was done already: read again\r\n";
    CHECK(reply.starts_with("STORED\r\n" + sorry));
    CHECK(reply.ends_with("STORED\r\n") || reply.ends_with("DELETED\r\n") || reply.ends_with("OK\r\n"));
  }
}

/** What was never sent has changed nothing. */
void readBeforeUnsent() {
  World world;
  Peer& peer = world.connect();
  CHECK(world.ask(peer, "set a 0 0 1\r\n0\r\n") == "STORED\r\n");
  CHECK(askLosing(world, peer, "set a 0 0 1\r\n1\r\nget a\r\nset a 0 0 1\r\n2\r\n", Fate::lost) ==
        "STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\nSTORED\r\n");
}

void metaInOrder() {
  World world;
  Peer& peer = world.connect();
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    const std::string digit = std::to_string(i % 10);
    bytes += "ms a 1\r\n" + digit + "\r\nmg a v\r\n";
    expected += "HD\r\nVA 1\r\n" + digit + "\r\n";
  }
  CHECK(world.feed(peer, bytes) == bytes.size());
  // One to open a session, one for all of it.
  for (int i = 0; i < 3; ++i) world.turn();
  CHECK(peer.take() == expected);
}

void metaToken() {
  World world;
  Peer& peer = world.connect();
  CHECK(world.ask(peer, "ms a 1\r\n1\r\nmd a I T30\r\nmg a v\r\nmg a v\r\nms a 1\r\n2\r\nmg a v\r\n") ==
        "HD\r\nHD\r\nVA 1 X W\r\n1\r\nVA 1 Z X\r\n1\r\nHD\r\nVA 1\r\n2\r\n");
  // Stale before: it is won among other commands of its connection.
  CHECK(world.ask(peer, "md a I T30\r\n") == "HD\r\n");
  CHECK(world.ask(peer, "ms b 1\r\nb\r\nmg a v\r\nmg a v\r\n") == "HD\r\nVA 1 X W\r\n2\r\nVA 1 Z X\r\n2\r\n");
}

void timesOfReplies() {
  World world;
  Peer& peer = world.connect();
  CHECK(world.ask(peer, "ma n N-1 J1 t\r\nma n N0 J1 t\r\nma n N0 J1 T-1 t\r\n") == "HD t0\r\nHD t-1\r\nHD t0\r\n");
  // The time that the reply is about is the new one where T stands before R.
  CHECK(world.ask(peer, "ms a 1\r\n1\r\nmg a T100 R300\r\nms a 1\r\n1\r\nmg a R300 T100\r\n") ==
        "HD\r\nHD W\r\nHD\r\nHD\r\n");
  // Both are over: neither is before the other.
  CHECK(world.ask(peer, "ms a 1\r\n1\r\nmg a T2592001 R-1\r\n") == "HD\r\nHD\r\n");
}

void formerTime() {
  World world;
  Peer& peer = world.connect();
  CHECK(world.ask(peer, "ms a 1\r\n1\r\n") == "HD\r\n");
  CHECK(askLosing(world, peer, "mg a t T90\r\n", Fate::appliedAfterDismissal) == "HD t-1\r\n");
  CHECK(world.ask(peer, "mg a t\r\n") == "HD t90\r\n");
}

void large() {
  for (const Fate fate : {Fate::applied, Fate::appliedAfterDismissal, Fate::lost}) {
    World world;
    Peer& peer = world.connect();
    const std::string value(900'000, 'v');
    std::string_view bytes;
    const std::string all = "set large 0 0 900000\r\n" + value + "\r\nget large\r\n";
    bytes = all;
    for (int i = 0; i < 40; ++i) {
      bytes.remove_prefix(world.feed(peer, bytes));
      world.turn(i % 7 == 6 ? fate : Fate::applied);
    }
    CHECK(world.ask(peer, bytes) == "STORED\r\nVALUE large 0 900000\r\n" + value + "\r\nEND\r\n");
  }
}

/** More fragments than a session may have unanswered, of a command that goes out alone. */
void largeAlone() {
  World world;
  Peer& peer = world.connect();
  const std::string value(200'000, 'v');
  const std::string set = "ms large 200000 t T90\r\n" + value + "\r\n";
  CHECK(world.ask(peer, set) == "HD\r\n");
  CHECK(world.front().counts.failed_commands == 0);
  CHECK(world.ask(peer, "mg large s t\r\n") == "HD s200000 t90\r\n");
}

}  // namespace

void resendTests() {
  run("resends: what was sent again is done once", once);
  run("resends: a read whose place has passed is read again", readAgain);
  run("resends: but not where the connection itself has changed the item since", notFromItsFuture);
  run("resends: a write that was never done holds up no read", readBeforeUnsent);
  run("resends: meta gets and sets of one connection share a turn", metaInOrder);
  run("resends: a stale item is won where it stands in the connection's order", metaToken);
  run("resends: replies tell of the time that the item had when it was done", timesOfReplies);
  run("resends: sent again, a command tells of the time that it replaced", formerTime);
  run("resends: a large value arrives whole though its command asks for t, and so goes out alone", largeAlone);
  run("resends: a large value arrives whole however often its link is lost", large);
}

}  // namespace front::test

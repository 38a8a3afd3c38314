// Sessions: exactly once, issue order, moves between links.
#include "machine/test/one.h"
#include "test/native/check.h"

using rig::Answer;
using rig::One;
using rig::Request;
using rig::Rig;
using namespace wire;

TEST("session: its id is the counter of its OPEN") {
  One one;
  EQUAL(one.session, 1u);
  EQUAL(one.rig.session(one.log, 0), 2u);
}

TEST("session: writes are answered in one run with the counters as versions") {
  One one;
  const auto answers =
      one.run(Request().record(one.session, 1, 7).set("a", "1").set("b", "2").set("c", "3"));
  EQUAL(answers.size(), 3u);
  for (uint32_t i = 0; i < 3; ++i) {
    EQUAL(answers[i].operation, 7u + i);
    EQUAL(answers[i].version, 2u + i);
    EQUAL(answers[i].status, status::OK);
  }
}

TEST("session: a write applied once is not applied again, and is answered as before") {
  One one;
  const Request request = Request().record(one.session, 1, 1).set("a", "1").create("a", "2");
  const auto first = one.run(request);
  const auto again = one.run(request);
  EQUAL(first.size(), 2u);
  EQUAL(again.size(), 2u);
  for (uint32_t i = 0; i < 2; ++i) {
    EQUAL(again[i].status, first[i].status);
    EQUAL(again[i].version, first[i].version);
  }
  EQUAL(first[1].status, status::EXISTS);
  EQUAL(one.log.counter, 3u);
}

TEST("session: a record ordered twice takes effect once") {
  One one;
  one.rig.request(Request().record(one.session, 1, 1).set("a", "1"), 0);
  auto first = one.rig.turn(one.log);
  EQUAL(one.rig.answers().size(), 1u);
  const uint64_t digest = one.rig.machine().digest();
  one.log.seal(first[0]);
  one.rig.apply(first);
  EQUAL(one.rig.machine().digest(), digest);
  EQUAL(one.rig.answers().size(), 0u);
  EQUAL(one.rig.counter(machine::counter::WRITES_DUPLICATE), 1.0);
}

TEST("session: of a record half applied only the other half is packed") {
  One one;
  one.run(Request().record(one.session, 1, 1).set("a", "1").set("b", "2"));
  const auto answers = one.run(Request()
                                   .record(one.session, 1, 1, 0)
                                   .set("a", "1")
                                   .set("b", "2")
                                   .set("c", "3")
                                   .set("d", "4"));
  EQUAL(answers.size(), 4u);
  EQUAL(one.log.counter, 5u);
  for (uint32_t i = 0; i < 4; ++i) EQUAL(answers[i].version, 2u + i);
}

TEST("session: an answer the client said it has is not kept") {
  One one;
  one.run(Request().record(one.session, 1, 1).set("a", "1"));
  one.run(Request().record(one.session, 2, 2, 0).set("a", "2"));
  const auto answers = one.run(Request().record(one.session, 1, 1).set("a", "1"));
  EQUAL(answers.size(), 1u);
  EQUAL(answers[0].status, status::BAD_REQUEST);
}

TEST("session: of a run answered in part the rest is kept") {
  One one;
  one.run(Request().record(one.session, 1, 1).set("a", "1").set("b", "2").set("c", "3"));
  one.run(Request().record(one.session, 4, 4, 1).set("d", "4"));
  EQUAL(one.run(Request().record(one.session, 3, 3, 0).set("c", "3")).at(0).version, 4u);
  const auto forgotten = one.run(Request().record(one.session, 2, 2, 0).set("b", "2"));
  EQUAL(forgotten.at(0).status, status::BAD_REQUEST);
}

TEST("session: a read between two writes of one record sees the first and not the second") {
  One one;
  const auto answers = one.run(Request()
                                   .record(one.session, 1, 1)
                                   .get("a")
                                   .set("a", "1")
                                   .get("a")
                                   .set("a", "2")
                                   .get("a")
                                   .remove("a")
                                   .get("a"));
  EQUAL(answers.size(), 7u);
  std::string values[8];
  uint32_t statuses[8] = {};
  for (const Answer& answer : answers) {
    values[answer.operation] = answer.value;
    statuses[answer.operation] = answer.status;
  }
  EQUAL(statuses[1], status::NOT_FOUND);
  EQUAL(values[3], std::string("1"));
  EQUAL(values[5], std::string("2"));
  EQUAL(statuses[6], status::OK);
  EQUAL(statuses[7], status::NOT_FOUND);
}

TEST("session: a read behind a pending write waits for it, over datagrams and entries") {
  One one;
  one.rig.request(Request().record(one.session, 1, 1).set("a", "1"), 0);
  one.rig.request(Request().record(one.session, 2, 2, 1).get("a"), 0);
  one.rig.request(Request().record(one.session, 2, 3, 1).set("a", "2"), 0);
  one.rig.request(Request().record(one.session, 3, 4, 2).get("a").get("b"), 0);
  EQUAL(one.rig.answers().size(), 0u);
  EQUAL(one.rig.counter(machine::counter::READS_PARKED), 3.0);
  one.rig.turn(one.log);
  const auto answers = one.rig.answers();
  EQUAL(answers.size(), 5u);
  for (const Answer& answer : answers) {
    if (answer.operation == 2) EQUAL(answer.value, std::string("1"));
    if (answer.operation == 4) EQUAL(answer.value, std::string("2"));
    if (answer.operation == 5) EQUAL(answer.status, status::NOT_FOUND);
  }
  EQUAL(one.rig.machine().applied(), 3u);
  EQUAL(one.rig.counter(machine::counter::PENDING_RECORDS), 0.0);
}

TEST("session: a read whose place has passed is overtaken") {
  One one;
  one.run(Request().record(one.session, 1, 1).set("a", "1").set("a", "2"));
  one.rig.linkOpen(1);
  const auto answers = one.run(Request().record(one.session, 2, 5).get("a").get("a"), 1);
  EQUAL(answers.size(), 2u);
  EQUAL(answers[0].status, status::OVERTAKEN);
  EQUAL(answers[1].link, 1u);
}

TEST("session: reads out of their order are overtaken, not served late") {
  One one;
  one.rig.request(Request().record(one.session, 3, 1).get("a"), 0);
  one.rig.request(Request().record(one.session, 2, 2).get("a"), 0);
  one.rig.request(Request().record(one.session, 1, 3).set("a", "1").set("a", "2"), 0);
  one.rig.turn(one.log);
  const auto answers = one.rig.answers();
  EQUAL(answers.size(), 4u);
  for (const Answer& answer : answers) {
    if (answer.operation == 1) EQUAL(answer.value, std::string("2"));
    if (answer.operation == 2) EQUAL(answer.status, status::OVERTAKEN);
  }
}

TEST("session: a write after a gap is skipped until what is missing came") {
  One one;
  EQUAL(one.run(Request().record(one.session, 2, 2, 1).set("a", "2")).size(), 0u);
  EQUAL(one.rig.counter(machine::counter::WRITES_GAP), 1.0);
  EQUAL(one.rig.machine().store().items(), 0u);
  const auto answers = one.run(Request().record(one.session, 1, 1).set("a", "1").set("a", "2"));
  EQUAL(answers.size(), 2u);
  EQUAL(one.rig.machine().store().items(), 1u);
}

TEST("session: an unknown one is answered SESSION_EXPIRED, reads and writes") {
  One one;
  const auto answers = one.run(Request().record(999, 1, 1).set("a", "1").get("a"));
  EQUAL(answers.size(), 2u);
  EQUAL(answers[0].status, status::SESSION_EXPIRED);
  EQUAL(answers[1].status, status::SESSION_EXPIRED);
  EQUAL(one.log.counter, 1u);
}

TEST("session: CLOSE is answered and ends it, with what comes behind it") {
  One one;
  one.rig.request(
      Request().record(one.session, 1, 1).set("a", "1").plain(op::CLOSE).set("a", "2").get("a"), 0);
  one.rig.turn(one.log);
  const auto answers = one.rig.answers();
  EQUAL(answers.size(), 4u);
  EQUAL(answers[1].status, status::OK);
  EQUAL(answers[2].status, status::SESSION_EXPIRED);
  EQUAL(answers[3].status, status::SESSION_EXPIRED);
  EQUAL(one.rig.counter(machine::counter::SESSIONS), 0.0);
  EQUAL(one.rig.counter(machine::counter::PENDING_RECORDS), 0.0);
  EQUAL(one.run(Request().record(one.session, 2, 2).get("a"))[0].status, status::SESSION_EXPIRED);
}

TEST("session: more than the cluster has room for are refused, and room comes back") {
  One one({.sessionsMax = 2});
  const uint64_t second = one.rig.session(one.log, 0);
  auto answers = one.run(Request().open(77));
  EQUAL(answers.size(), 1u);
  EQUAL(answers[0].status, status::SESSIONS_FULL);
  EQUAL(answers[0].operation, 77u);
  one.run(Request().record(second, 1, 1).plain(op::CLOSE));
  EQUAL(one.run(Request().open(78))[0].status, status::OK);
}

TEST("window: more unanswered writes than the window are refused before the order") {
  One one({.sessionWindow = 4});
  EQUAL(
      one.run(Request().record(one.session, 1, 1).set("a", "1").set("a", "2").set("a", "3")).size(),
      3u);
  const auto answers = one.run(Request().record(one.session, 4, 4, 3).set("a", "4").set("a", "5"));
  EQUAL(answers.size(), 2u);
  EQUAL(answers[0].status, status::BAD_REQUEST);
  EQUAL(one.log.counter, 4u);
  EQUAL(one.run(Request().record(one.session, 4, 4, 1).set("a", "4").set("a", "5"))[1].status,
        status::OK);
}

TEST("move: what is owed follows the session to its new link") {
  One one;
  one.rig.request(Request().record(one.session, 1, 1).set("a", "1").get("a"), 0);
  one.rig.linkOpen(1);
  one.rig.request(Request().record(one.session, 1, 1).set("a", "1").get("a"), 1);
  one.rig.turn(one.log);
  const auto answers = one.rig.answers();
  EQUAL(answers.size(), 2u);
  for (const Answer& answer : answers) EQUAL(answer.link, 1u);
  EQUAL(one.rig.counter(machine::counter::WRITES_DUPLICATE), 1.0);
}

TEST("move: late mail of the old link does not take the session back") {
  One one;
  one.rig.linkOpen(1);
  one.rig.request(Request().record(one.session, 1, 1).set("a", "1"), 1);
  one.rig.request(Request().record(one.session, 1, 1).set("a", "1").get("a"), 0);
  one.rig.turn(one.log);
  const auto answers = one.rig.answers();
  EQUAL(answers.size(), 1u);
  EQUAL(answers[0].link, 1u);
  one.rig.machine().linkClose(1);
  EQUAL(one.run(Request().record(one.session, 2, 2).get("a"))[0].link, 0u);
}

TEST("move: a write asked for again on one link is packed again and answered once") {
  One one;
  const Request request =
      Request().record(one.session, 1, 1).set("a", "1").get("a").set("b", "2").get("b");
  one.rig.request(request, 0);
  one.rig.packEnd();  // lost with a leader
  one.rig.packBegin();
  const auto answers = one.run(request);
  EQUAL(answers.size(), 4u);
  for (uint32_t i = 0; i < 4; ++i) EQUAL(answers[i].operation, 1u + i);
  EQUAL(one.rig.counter(machine::counter::PENDING_RECORDS), 0.0);
}

TEST("move: of what is asked for again only what is missing is owed anew") {
  One one;
  one.rig.request(Request().record(one.session, 3, 5).get("x").set("c", "3").get("c"), 0);
  const auto answers = one.run(Request()
                                   .record(one.session, 1, 1)
                                   .set("a", "1")
                                   .get("a")
                                   .set("b", "2")
                                   .get("b")
                                   .get("x")
                                   .set("c", "3")
                                   .get("c"));
  EQUAL(answers.size(), 7u);
  for (uint32_t i = 0; i < answers.size(); ++i) EQUAL(answers[i].operation, 1u + i);
}

TEST("move: a closed link is owed nothing more, and its session lives on") {
  One one;
  one.rig.request(Request().record(one.session, 1, 1).set("a", "1").get("a"), 0);
  one.rig.machine().linkClose(0);
  one.rig.turn(one.log);
  EQUAL(one.rig.answers().size(), 0u);
  EQUAL(one.rig.counter(machine::counter::PENDING_RECORDS), 0.0);
  one.rig.linkOpen(0);
  const auto answers = one.run(Request().record(one.session, 1, 1).set("a", "1").get("a"));
  EQUAL(answers.size(), 2u);
  EQUAL(answers[0].version, 2u);
  EQUAL(answers[1].value, std::string("1"));
}

TEST("forward: what is applied of this replica's forwards is known, skipped records included") {
  One one;
  one.rig.packEnd();
  one.rig.packBegin(41);
  one.rig.request(Request().record(one.session, 1, 1).set("a", "1"), 0);
  one.rig.request(Request().record(one.session, 5, 5).set("a", "5"), 0);
  Rig leader({.replica = 2});
  for (const rig::Entry& entry : one.rig.packEnd())
    CHECK(leader.forwarded(entry) == machine::Taken::ok);
  auto entries = leader.packEnd();
  for (rig::Entry& entry : entries) one.log.seal(entry);
  one.rig.apply(entries);
  EQUAL(one.rig.machine().forwardApplied(), 41u);
  EQUAL(one.rig.answers().size(), 1u);
}

// A leader whose disk is full: writes that need room keep their places and change nothing.
#include "machine/test/one.h"
#include "test/native/check.h"

using rig::Answer;
using rig::One;
using rig::Request;
using rig::Rig;
using namespace wire;

namespace {

/** As the leader whose disk is full. */
std::vector<Answer> runRefusing(One& one, const Request& request) {
  one.rig.packEnd();
  one.rig.packBegin(0, true);
  return one.run(request);
}

}  // namespace

TEST("refusing: what needs room is answered NO_SPACE in its place, and the rest takes effect") {
  One one;
  one.run(Request().record(one.session, 1, 1).set("a", "1").set("b", "1").set("c", "1"));
  const auto answers = runRefusing(one, Request()
                                            .record(one.session, 4, 4, 3)
                                            .set("a", "2")
                                            .get("a")
                                            .create("new", "2")
                                            .remove("b")
                                            .get("b")
                                            .setIf("c", 4, "2")
                                            .removeIf("c", 4)
                                            .plain(op::SYNC)
                                            .plain(op::TOUCH));
  EQUAL(answers.size(), 9u);
  const uint8_t statuses[] = {status::NO_SPACE, status::OK, status::NO_SPACE, status::OK, status::NOT_FOUND,
                              status::NO_SPACE, status::OK, status::OK,       status::OK};
  for (const Answer& answer : answers) EQUAL(answer.status, statuses[answer.operation - 4]);
  EQUAL(one.rig.machine().store().items(), 1u);
  EQUAL(one.rig.counter(machine::counter::WRITES_REFUSED_LOG), 3.0);
  EQUAL(one.log.counter, 11u);
  EQUAL(one.rig.counter(machine::counter::PENDING_RECORDS), 0.0);
  // Asked again it is answered as before, and a new write goes on from there when there is room.
  const auto again = one.run(Request().record(one.session, 4, 4, 3).set("a", "2"));
  EQUAL(again.at(0).status, status::NO_SPACE);
  EQUAL(one.run(Request().record(one.session, 11, 20).set("a", "3")).at(0).status, status::OK);
}

TEST("refusing: a refused write takes four bytes of the log, whatever it brought") {
  One one;
  const std::string value(1000, 'v');
  one.rig.packEnd();
  one.rig.packBegin(0, true);
  one.rig.request(Request().record(one.session, 1, 1).set("a", value).remove("abcd"), 0);
  const auto entries = one.rig.turn(one.log);
  EQUAL(entries.size(), 1u);
  EQUAL(entries.at(0).datagram.size(), OVERHEAD_BYTES + sizeof(Record) + 4 + 8);
}

TEST("refusing: sessions open and close") {
  One one;
  EQUAL(runRefusing(one, Request().open(5)).at(0).status, status::OK);
  const auto answers =
      runRefusing(one, Request().record(one.session, 1, 1).set("a", "1").plain(op::CLOSE));
  EQUAL(answers.at(0).status, status::NO_SPACE);
  EQUAL(answers.at(1).status, status::OK);
  EQUAL(one.rig.counter(machine::counter::SESSIONS), 1.0);
}

TEST("refusing: what a follower forwards is refused by the leader, and answered at its home") {
  One one;
  one.rig.packEnd();
  one.rig.packBegin(41);
  one.rig.request(Request().record(one.session, 1, 1).set("a", "1").remove("a").set("b", "2"), 0);
  Rig leader({.replica = 2});
  leader.packEnd();
  leader.packBegin(0, true);
  for (const rig::Entry& entry : one.rig.packEnd()) {
    CHECK(leader.forwarded(entry) == machine::Taken::ok);
  }
  auto entries = leader.packEnd();
  for (rig::Entry& entry : entries) one.log.seal(entry);
  one.rig.apply(entries);
  const auto answers = one.rig.answers();
  EQUAL(answers.size(), 3u);
  EQUAL(answers.at(0).status, status::NO_SPACE);
  EQUAL(answers.at(1).status, status::NOT_FOUND);
  EQUAL(answers.at(2).status, status::NO_SPACE);
  EQUAL(one.rig.machine().forwardApplied(), 41u);
}

TEST("refusing: the other fragments of a refused one are refused too, room or not") {
  One one;
  const std::string wide = rig::wideOf(op::SET, "wide", std::string(280, 'v'));
  EQUAL(wide.size(), 300u);
  const auto send = [&](uint64_t sequence, uint32_t offset, bool refusing) {
    Request request;
    request.record(one.session, sequence, sequence).fragment(300, offset, wide.substr(offset, 100));
    return (refusing ? runRefusing(one, request) : one.run(request)).at(0).status;
  };
  EQUAL(send(1, 0, false), status::OK);
  EQUAL(send(2, 100, true), status::NO_SPACE);
  EQUAL(send(3, 200, false), status::NO_SPACE);
  // Its begin is not taken for that of the next one, whose own was refused.
  EQUAL(send(4, 0, false), status::OK);
  EQUAL(send(5, 0, true), status::NO_SPACE);
  EQUAL(send(6, 100, false), status::NO_SPACE);
  EQUAL(send(7, 200, false), status::NO_SPACE);
  EQUAL(one.rig.machine().store().items(), 0u);
  for (uint32_t i = 0; i < 3; ++i) EQUAL(send(8 + i, i * 100, false), status::OK);
  EQUAL(one.rig.machine().store().items(), 1u);
}

TEST("refusing: no client sends REFUSED, and no columns encode it") {
  One one;
  const Request request = Request().record(one.session, 1, 1).plain(op::REFUSED);
  CHECK(one.rig.request(request, 0) == machine::Taken::malformed);
  machine::OperationColumns columns;
  columns.count = 1;
  columns.kindOfAll = op::REFUSED;
  machine::Encoding encoding;
  uint8_t out[64];
  CHECK(machine::encode(columns, 0, encoding, out, sizeof out) == machine::Encoded::contradiction);
}

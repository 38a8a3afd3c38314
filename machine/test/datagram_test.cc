// Datagrams: how records are packed, how answers are split, what is malformed.
#include "machine/test/one.h"
#include "test/native/check.h"

using machine::Taken;
using rig::Answer;
using rig::Bytes;
using rig::Entry;
using rig::Log;
using rig::One;
using rig::Random;
using rig::Request;
using rig::Rig;
using namespace wire;

TEST("packing: full entries take a datagram, the last is cut to 64, and tags are zero") {
  One one;
  for (uint64_t i = 1; i <= 40; ++i) {
    CHECK(one.rig.request(Request().record(one.session, i, i).set("k", std::string(100, 'v')), 0) ==
          Taken::ok);
  }
  const auto entries = one.rig.packEnd();
  one.rig.packBegin();
  CHECK(entries.size() > 2);
  uint32_t operations = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Bytes& bytes = entries[i].datagram;
    operations += entries[i].operations;
    if (i + 1 < entries.size()) EQUAL(entries[i].wireBytes, 1472u / 64 * 64);
    EQUAL(entries[i].wireBytes % 64, 0u);
    CHECK(entries[i].wireBytes >= bytes.size());
    for (size_t k = bytes.size() - TAG_BYTES; k < bytes.size(); ++k) EQUAL(bytes[k], 0);
  }
  EQUAL(operations, 40u);
}

TEST("packing: a span without two datagrams of room consumes nothing") {
  One one({.spanDatagrams = 3});
  uint64_t next = 1;
  const auto request = [&] {
    return Request()
        .record(one.session, next, next, static_cast<uint32_t>(next - 1))
        .set("k", std::string(1200, 'v'));
  };
  // The entry in work and one more must have room: of three datagrams the third request begins the
  // last.
  for (; next <= 3; ++next) CHECK(one.rig.request(request(), 0) == Taken::ok);
  CHECK(one.rig.request(request(), 0) == Taken::noRoom);
  EQUAL(one.rig.turn(one.log).size(), 3u);
  EQUAL(one.rig.answers().size(), 3u);
  EQUAL(one.run(request()).size(), 1u);
}

TEST("packing: a record fills an entry to the last byte") {
  One one;
  const uint32_t body = 1472 / 64 * 64 - OVERHEAD_BYTES;
  const uint32_t value = body - sizeof(Record) - sizeof(Operation) - 4;
  one.rig.request(Request().record(one.session, 1, 1).set("four", std::string(value, 'v')), 0);
  one.rig.request(Request().record(one.session, 2, 2, 1).set("four", std::string(value, 'w')), 0);
  const auto entries = one.rig.turn(one.log);
  EQUAL(entries.size(), 2u);
  EQUAL(entries[0].datagram.size(), 1472u / 64 * 64);
  EQUAL(one.rig.answers().size(), 2u);
}

TEST("packing: FORWARDs are numbered, one number an entry, in every record") {
  One one;
  one.rig.packEnd();
  one.rig.packBegin(7);
  for (uint64_t i = 1; i <= 30; ++i) {
    one.rig.request(Request()
                        .record(one.session, i, i, static_cast<uint32_t>(i - 1))
                        .set("k", std::string(100, 'v')),
                    0);
  }
  const auto entries = one.rig.packEnd();
  for (size_t i = 0; i < entries.size(); ++i) {
    const uint8_t* const end = entries[i].datagram.data() + entries[i].datagram.size() - TAG_BYTES;
    for (const uint8_t* at = entries[i].datagram.data() + BODY_OFFSET; at != end;) {
      const auto record = load<Record>(at);
      EQUAL(record.operation, 7u + i);
      EQUAL(record.origin, 1);
      at += record.bytes;
    }
  }
}

TEST("replies: many values go over as many datagrams as they need, in order") {
  One one;
  one.run(Request()
              .record(one.session, 1, 1)
              .set("a", std::string(700, 'a'))
              .set("b", std::string(500, 'b')));
  Request request;
  request.record(one.session, 3, 3);
  for (int i = 0; i < 50; ++i) request.get(i % 2 == 0 ? "a" : "b");
  const auto answers = one.run(request);
  EQUAL(answers.size(), 50u);
  for (uint32_t i = 0; i < answers.size(); ++i) {
    EQUAL(answers[i].operation, 3u + i);
    EQUAL(answers[i].value.size(), i % 2 == 0 ? 700u : 500u);
  }
}

TEST(
    "replies: without a free slot they wait in memory, keep their order, and requests are put "
    "off") {
  One one({.replySlots = 4});
  one.run(Request().record(one.session, 1, 1).set("a", std::string(1000, 'a')));
  Request request;
  request.record(one.session, 2, 2);
  for (int i = 0; i < 20; ++i) request.get("a");
  CHECK(one.rig.request(request, 0) == Taken::ok);
  CHECK(one.rig.counter(machine::counter::REPLIES_OVERFLOWED) > 0);
  CHECK(one.rig.request(Request().record(one.session, 2, 22).get("a"), 0) == Taken::noRoom);
  std::vector<Answer> answers;
  std::vector<uint32_t> lent;
  for (int turn = 0; turn < 100 && answers.size() < 20; ++turn) {
    const uint32_t count = one.rig.repliesClose();
    CHECK(count <= 4 - lent.size());
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t* const row = one.rig.replyRow(i);
      one.rig.decodeReply(row[0], row[1], row[2], answers);
      lent.push_back(row[1]);
    }
    EQUAL(one.rig.repliesClose(), 0u);  // all are lent
    one.rig.machine().replyFree(lent.front());
    lent.erase(lent.begin());
  }
  EQUAL(answers.size(), 20u);
  for (uint32_t i = 0; i < answers.size(); ++i) EQUAL(answers[i].operation, 2u + i);
}

TEST("replies: whoever keeps asking while slots are short still gets every answer, in order") {
  One one({.replySlots = 4});
  one.run(Request().record(one.session, 1, 1).set("a", std::string(1000, 'a')));
  Request request;
  request.record(one.session, 2, 2);
  for (int i = 0; i < 12; ++i) request.get("a");
  CHECK(one.rig.request(request, 0) == Taken::ok);
  uint64_t asked = 13;
  std::vector<Answer> answers;
  std::vector<uint32_t> lent;
  for (int turn = 0; turn < 60; ++turn) {
    const uint32_t count = one.rig.repliesClose();
    for (uint32_t i = 0; i < count; ++i) {
      one.rig.decodeReply(0, one.rig.replyRow(i)[1], one.rig.replyRow(i)[2], answers);
      lent.push_back(one.rig.replyRow(i)[1]);
    }
    CHECK(!lent.empty() || answers.size() == asked - 1);
    if (lent.empty()) break;
    one.rig.machine().replyFree(lent.front());
    lent.erase(lent.begin());
    if (turn < 12 &&
        one.rig.request(Request().record(one.session, 2, asked + 1).get("a"), 0) == Taken::ok)
      ++asked;
  }
  CHECK(asked > 20);
  EQUAL(answers.size(), asked - 1);
  for (uint32_t i = 0; i < answers.size(); ++i) EQUAL(answers[i].operation, 2u + i);
}

TEST("replies: a link without slots does not hold up another that has them") {
  One one({.replySlots = 4});
  one.run(Request().record(one.session, 1, 1).set("a", std::string(1000, 'a')));
  one.rig.linkOpen(1);
  const uint64_t second = one.rig.session(one.log, 1);
  Request many;
  many.record(one.session, 2, 2);
  for (int i = 0; i < 8; ++i) many.get("a");
  one.rig.request(Request().record(second, 1, 1).get("none"), 1);
  one.rig.request(many, 0);
  std::vector<Answer> answers = one.rig.answers();
  EQUAL(answers.size(), 9u);
}

TEST("replies: a closed link's slots come back, but for those lent") {
  One one({.replySlots = 8});
  one.run(Request().record(one.session, 1, 1).set("a", std::string(1000, 'a')));
  Request request;
  request.record(one.session, 2, 2);
  for (int i = 0; i < 3; ++i) request.get("a");
  one.rig.request(request, 0);
  EQUAL(one.rig.repliesClose(), 3u);
  const uint32_t lent = one.rig.replyRow(0)[1];
  Request again;
  again.record(one.session, 2, 5);
  for (int i = 0; i < 3; ++i) again.get("a");
  one.rig.request(again, 0);
  one.rig.machine().linkClose(0);
  EQUAL(one.rig.repliesClose(), 0u);
  EQUAL(one.rig.counter(machine::counter::REPLY_SLOTS_FREE), 5.0);
  one.rig.machine().replyFree(lent);
  one.rig.repliesClose();
  EQUAL(one.rig.counter(machine::counter::REPLY_SLOTS_FREE), 6.0);
}

namespace {

Taken taken(One& one, const Request& request) { return one.rig.request(request, 0); }

Bytes altered(const Request& request, size_t at, uint8_t value) {
  Bytes bytes = request.datagram();
  bytes[at] = value;
  return bytes;
}

}  // namespace

TEST("malformed: what no client sends is refused and consumes nothing") {
  One one;
  const auto record = [&] { return Request().record(one.session, 1, 1); };
  CHECK(taken(one, record()) == Taken::malformed);                  // no operation
  CHECK(taken(one, record().plain(op::OPEN)) == Taken::malformed);  // OPEN in a session
  CHECK(taken(one, record().plain(33)) == Taken::malformed);        // no such kind
  CHECK(taken(one, record().set("", "v")) == Taken::malformed);     // no key
  CHECK(taken(one, record().set(std::string(251, 'k'), "v")) == Taken::malformed);
  CHECK(taken(one, record().fragment(10, 5, "sixsix")) == Taken::malformed);
  CHECK(taken(one, record().fragment(2u << 20, 0, "x")) == Taken::malformed);
  CHECK(taken(one, Request().record(one.session, 0, 1).set("k", "v")) == Taken::malformed);
  CHECK(taken(one, Request().record(one.session, COUNTER_MAX + 1, 1).set("k", "v")) ==
        Taken::malformed);
  CHECK(taken(one, Request().record(one.session, 3, 1, 3).set("k", "v")) == Taken::malformed);
  CHECK(taken(one, Request().record(0, 0, 5).set("k", "v")) == Taken::malformed);
  CHECK(taken(one, Request().open(5).set("k", "v")) == Taken::malformed);  // OPEN not alone
  const Request good = record().set("k", "v");
  const size_t body = BODY_OFFSET;
  CHECK(one.rig.requestBytes(altered(good, body + offsetof(Record, writes), 0), 0) ==
        Taken::malformed);
  CHECK(one.rig.requestBytes(altered(good, body + offsetof(Record, count), 2), 0) ==
        Taken::malformed);
  CHECK(one.rig.requestBytes(altered(good, body + offsetof(Record, origin), 1), 0) ==
        Taken::malformed);
  CHECK(one.rig.requestBytes(altered(good, body + offsetof(Record, flags), 1), 0) ==
        Taken::malformed);
  CHECK(one.rig.requestBytes(altered(good, offsetof(Header, length), 20), 0) == Taken::malformed);
  EQUAL(one.rig.counter(machine::counter::MALFORMED), 17.0);
  EQUAL(one.rig.turn(one.log).size(), 0u);
  EQUAL(one.rig.answers().size(), 0u);
  CHECK(taken(one, good) == Taken::ok);
}

TEST("malformed: a good record does not carry a bad one behind it in") {
  One one;
  Request request = Request().record(one.session, 1, 1).set("k", "v").get("k");
  request.record(one.session, 2, 3).set("", "v");
  CHECK(taken(one, request) == Taken::malformed);
  EQUAL(one.rig.turn(one.log).size(), 0u);
  EQUAL(one.rig.answers().size(), 0u);
}

namespace {

Bytes goodRequest(Random& random, uint64_t session) {
  Request request;
  const uint64_t start = 1 + random.below(30);
  request.record(session, start, 1 + random.below(60), static_cast<uint32_t>(random.below(start)));
  const uint64_t count = 1 + random.below(6);
  for (uint64_t i = 0; i < count; ++i) {
    const std::string key = rig::keyOf(random.below(10));
    switch (random.below(8)) {
      case 0:
        request.get(key);
        break;
      case 1:
        request.setIf(key, random.below(20), "new");
        break;
      case 2:
        request.fragment(40, static_cast<uint32_t>(random.below(2)) * 20, std::string(20, 'f'));
        break;
      case 3:
        request.remove(key);
        break;
      case 4:
        request.plain(op::SYNC);
        break;
      case 5:
        request.open(random.below(9));
        break;
      default:
        request.set(key, std::string(random.below(50), 'v'));
        break;
    }
  }
  return request.datagram();
}

}  // namespace

TEST("malformed: a million mutated requests and forwards break nothing") {
  One one({.sessionsMax = 4000, .spanDatagrams = 3});
  Random random{20240607};
  uint32_t taken[3] = {};
  uint64_t session = 0;
  for (int i = 0; i < 1000000; ++i) {
    if (i % 500 == 0) {
      one.rig.turn(one.log);
      one.rig.request(Request().open(static_cast<uint64_t>(i)), 0);
      one.rig.turn(one.log);
      session = one.log.counter;
    }
    Bytes bytes = goodRequest(random, random.below(8) == 0 ? random.below(99) : session);
    for (uint64_t k = random.below(4); k > 0; --k) {
      const size_t at = random.below(bytes.size() - 44) + 44;
      bytes[random.below(20) == 0 ? 12 + random.below(2) : at] =
          random.below(2) == 0 ? static_cast<uint8_t>(random.below(256))
                               : static_cast<uint8_t>(random.below(4));
    }
    if (random.below(4) == 0) {
      bytes[BODY_OFFSET + offsetof(Record, origin)] = 2;
      ++taken[static_cast<uint32_t>(one.rig.forwarded({bytes, 0, 0}))];
    } else {
      ++taken[static_cast<uint32_t>(
          one.rig.requestBytes(bytes, static_cast<uint32_t>(random.below(3) == 0)))];
    }
    if (i == 0) one.rig.linkOpen(1);
    if (random.below(256) == 0) one.rig.turn(one.log);
    if (random.below(4) == 0) one.rig.answers();
    if (random.below(2000) == 0) one.rig.machine().linkClose(1), one.rig.linkOpen(1);
  }
  CHECK(taken[0] > 100000);
  CHECK(taken[1] > 1000);
  CHECK(taken[2] > 100000);
  CHECK(one.rig.counter(machine::counter::WRITES_APPLIED) > 1000);
}

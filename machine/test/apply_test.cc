// What operations do: statuses and versions, fragments, a full store; and that replicas agree.
#include "machine/test/one.h"
#include "test/native/check.h"

using rig::Answer;
using rig::Entry;
using rig::Log;
using rig::One;
using rig::Random;
using rig::Request;
using rig::Rig;
using namespace wire;

TEST("apply: every kind of write has its status and version") {
  One one;
  const auto answers = one.run(Request()
                                   .record(one.session, 1, 1)
                                   .set("a", "1")       // counter 2
                                   .create("a", "x")    // 3
                                   .create("b", "2")    // 4
                                   .setIf("a", 2, "3")  // 5
                                   .setIf("a", 2, "x")  // 6
                                   .setIf("c", 1, "x")  // 7
                                   .removeIf("b", 9)    // 8
                                   .removeIf("b", 4)    // 9
                                   .remove("b")         // 10
                                   .plain(op::SYNC)     // 11
                                   .plain(op::TOUCH)    // 12
                                   .removeIf("zz", 1)   // 13
                                   .remove("a"));       // 14
  const struct {
    uint32_t status;
    uint64_t version;
  } expected[] = {{status::OK, 2},
                  {status::EXISTS, 2},
                  {status::OK, 4},
                  {status::OK, 5},
                  {status::VERSION_MISMATCH, 5},
                  {status::NOT_FOUND, 0},
                  {status::VERSION_MISMATCH, 4},
                  {status::OK, 9},
                  {status::NOT_FOUND, 0},
                  {status::OK, 11},
                  {status::OK, 12},
                  {status::NOT_FOUND, 0},
                  {status::OK, 14}};
  EQUAL(answers.size(), 13u);
  for (size_t i = 0; i < answers.size(); ++i) {
    EQUAL(answers[i].status, expected[i].status);
    EQUAL(answers[i].version, expected[i].version);
  }
  EQUAL(one.rig.counter(machine::counter::WRITES_FAILED), 6.0);
  EQUAL(one.rig.machine().store().items(), 0u);
}

TEST("apply: a value of no bytes is a value") {
  One one;
  const auto answers = one.run(Request().record(one.session, 1, 1).set("a", "").get("a"));
  EQUAL(answers.size(), 2u);
  EQUAL(answers[1].status, status::OK);
  EQUAL(answers[1].version, 2u);
}

TEST("apply: a full store refuses, changes nothing, and has room again after deletes") {
  One one({.storeBytes = 4096});
  uint64_t sequence = 0;
  uint32_t status = status::OK;
  uint64_t held = 0;
  while (status == status::OK && sequence < 100) {
    const std::string key = rig::keyOf(sequence);
    held = one.rig.machine().digest();
    ++sequence;
    status =
        one.run(
               Request().record(one.session, sequence, sequence).set(key, std::string(200, 'v')))[0]
            .status;
  }
  EQUAL(status, status::FULL);
  EQUAL(one.rig.machine().digest(), held);
  EQUAL(one.rig.counter(machine::counter::WRITES_REFUSED_FULL), 1.0);
  ++sequence;
  const auto answers =
      one.run(Request().record(one.session, sequence, sequence).remove("k0").create("x", "y"));
  EQUAL(answers[0].status, status::OK);
  EQUAL(answers[1].status, status::OK);
}

namespace {

std::string patterned(size_t bytes) {
  std::string value(bytes, 0);
  for (size_t i = 0; i < bytes; ++i) value[i] = static_cast<char>(i * 31 + i / 251);
  return value;
}

/** Sends a wide operation in chunks; returns the answer of the last. */
Answer sendWide(One& one, uint64_t& next, const std::string& wide, uint32_t chunk) {
  std::vector<Answer> answers;
  for (uint32_t offset = 0; offset < wide.size(); offset += chunk) {
    answers = one.run(
        Request()
            .record(one.session, next, next)
            .fragment(static_cast<uint32_t>(wide.size()), offset, wide.substr(offset, chunk)));
    ++next;
    EQUAL(answers.size(), 1u);
  }
  return answers[0];
}

}  // namespace

TEST("fragments: a value of a megabyte is put together, and read back in parts") {
  One one;
  uint64_t next = 1;
  const std::string value = patterned(wire::VALUE_BYTES_MAX);
  const Answer answer = sendWide(one, next, rig::wideOf(op::SET, "wide", value), 1300);
  EQUAL(answer.status, status::OK);
  EQUAL(answer.version, one.log.counter);
  const auto read =
      one.run(Request().record(one.session, next, next).get("wide").get("none").get("wide"));
  EQUAL(read.size(), 3u);
  CHECK(read[0].value == value);
  EQUAL(read[0].version, answer.version);
  EQUAL(read[1].status, status::NOT_FOUND);
  CHECK(read[2].value == value);
  CHECK(one.rig.counter(machine::counter::REPLIES_OVERFLOWED) > 0);
}

TEST("fragments: the last one gives the status of the whole") {
  One one;
  uint64_t next = 1;
  const std::string value = patterned(3000);
  EQUAL(sendWide(one, next, rig::wideOf(op::CREATE, "k", value), 999).status, status::OK);
  EQUAL(sendWide(one, next, rig::wideOf(op::CREATE, "k", value), 999).status, status::EXISTS);
  EQUAL(sendWide(one, next, rig::wideOf(op::SET_IF, "k", value, 1), 999).status,
        status::VERSION_MISMATCH);
  EQUAL(sendWide(one, next, rig::wideOf(op::GET, "k", value), 999).status, status::BAD_REQUEST);
  EQUAL(sendWide(one, next, rig::wideOf(op::SET, "", value), 999).status, status::BAD_REQUEST);
  EQUAL(sendWide(one, next, "tiny", 999).status, status::BAD_REQUEST);
}

TEST("fragments: one out of place drops the whole") {
  One one;
  const std::string wide = rig::wideOf(op::SET, "k", patterned(100));
  const auto total = static_cast<uint32_t>(wide.size());
  const auto answers = one.run(Request()
                                   .record(one.session, 1, 1)
                                   .fragment(total, 0, wide.substr(0, 50))
                                   .fragment(total, 60, wide.substr(60))
                                   .fragment(total, 50, wide.substr(50)));
  EQUAL(answers.size(), 3u);
  EQUAL(answers[0].status, status::OK);
  EQUAL(answers[1].status, status::BAD_REQUEST);
  EQUAL(answers[2].status, status::BAD_REQUEST);
  EQUAL(one.rig.machine().store().items(), 0u);
}

TEST("fragments: too many wide operations at once are refused with FULL, and room comes back") {
  One one({.sessionsMax = 100});
  const uint32_t total = 1u << 20;
  std::vector<uint64_t> sessions;
  for (int i = 0; i < 65; ++i) sessions.push_back(one.rig.session(one.log, 0));
  uint32_t status = 0;
  for (const uint64_t session : sessions) {
    status = one.run(Request().record(session, 1, 1).fragment(total, 0, "begin"))[0].status;
  }
  EQUAL(status, status::FULL);
  EQUAL(one.run(Request().record(sessions[64], 2, 2).fragment(total, 5, "more"))[0].status,
        status::FULL);
  one.run(Request().record(sessions[0], 2, 2).plain(op::CLOSE));
  EQUAL(one.run(Request().record(sessions[64], 3, 3).fragment(total, 0, "again"))[0].status,
        status::OK);
}

namespace {

void addOperation(Request& request, Random& random) {
  const std::string key = rig::keyOf(random.below(40));
  const std::string value(random.below(60), 'v');
  switch (random.below(9)) {
    case 0:
      request.create(key, value);
      break;
    case 1:
      request.setIf(key, random.below(500), value);
      break;
    case 2:
      request.remove(key);
      break;
    case 3:
      request.removeIf(key, random.below(500));
      break;
    case 4:
      request.plain(op::SYNC);
      break;
    case 5:
      request.get(key);
      break;
    case 6:
      request.fragment(60, static_cast<uint32_t>(random.below(2)) * 30, std::string(30, 'w'));
      break;
    default:
      request.set(key, value);
      break;
  }
}

}  // namespace

TEST("determinism: replicas with different home traffic agree on store and sessions") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random{seed * 77777};
    Rig homes[2] = {Rig({.replica = 1, .storeBytes = 6000}),
                    Rig({.replica = 2, .storeBytes = 6000})};
    Log log;
    std::vector<uint64_t> sessions;
    std::vector<uint64_t> sequences, operations;
    for (Rig& home : homes) home.linkOpen(0), home.linkOpen(1);
    for (int step = 0; step < 300; ++step) {
      Rig& home = homes[random.below(2)];
      Request request;
      const uint64_t which = random.below(5);
      if (which >= sessions.size()) {
        request.open(1000 + static_cast<uint64_t>(step));
      } else {
        // Now and then something is asked for again, or something is missing.
        const uint64_t shift = random.below(8);
        const uint64_t back = shift == 0 ? std::min<uint64_t>(sequences[which], 3) : 0;
        const uint64_t start = sequences[which] + 1 - back + (shift == 1);
        request.record(sessions[which], start, operations[which] + 1,
                       static_cast<uint32_t>(random.below(std::min<uint64_t>(start, 6))));
        for (uint64_t i = 0; i < 1 + random.below(8); ++i) addOperation(request, random);
        if (random.below(100) == 0) request.plain(op::CLOSE);
      }
      home.request(request, static_cast<uint32_t>(random.below(2)));
      auto entries = home.packEnd();
      home.packBegin();
      if (random.below(12) == 0) continue;  // lost before it was ordered
      for (Entry& entry : entries) {
        const auto record = wire::load<wire::Record>(entry.datagram.data() + wire::BODY_OFFSET);
        log.seal(entry);
        if (record.session == 0) {
          if (sessions.size() < 5)
            sessions.push_back(log.counter), sequences.push_back(0), operations.push_back(0);
          continue;
        }
        for (size_t i = 0; i < sessions.size(); ++i) {
          if (sessions[i] != record.session) continue;
          sequences[i] = std::max(sequences[i], record.sequence + record.count - 1);
          operations[i] += 20;
        }
      }
      for (Rig& each : homes) each.apply(entries);
      for (Rig& each : homes) each.answers();
    }
    CHECK(log.counter > 300);
    EQUAL(homes[0].machine().digest(), homes[1].machine().digest());
    EQUAL(homes[0].machine().sessionsDigest(), homes[1].machine().sessionsDigest());
    EQUAL(homes[0].machine().applied(), homes[1].machine().applied());
  }
}

TEST("determinism: how entries are grouped into calls of apply makes no difference") {
  Rig one, other;
  Log log;
  one.linkOpen(0);
  const uint64_t session = one.session(log, 0);
  Entry open = [&] {
    Rig copy({.replica = 3});
    copy.linkOpen(0);
    copy.request(Request().open(1u << 20), 0);
    auto entries = copy.packEnd();
    Log fresh;
    fresh.seal(entries[0]);
    return entries[0];
  }();
  other.apply({open});
  Random random{99};
  std::vector<Entry> entries;
  for (uint64_t sequence = 1; sequence <= 60; ++sequence) {
    one.request(Request()
                    .record(session, sequence, sequence, 5 < sequence ? 5 : 0)
                    .set(rig::keyOf(random.below(9)), "v"),
                0);
    auto packed = one.packEnd();
    one.packBegin();
    log.seal(packed[0]);
    entries.push_back(packed[0]);
  }
  for (const Entry& entry : entries) one.apply({entry});
  other.apply(entries);
  EQUAL(one.machine().digest(), other.machine().digest());
  EQUAL(one.machine().sessionsDigest(), other.machine().sessionsDigest());
}

// Sessions that end by the log's time.
#include "machine/test/one.h"
#include "test/native/check.h"

using rig::Log;
using rig::One;
using rig::Request;
using rig::Rig;
using namespace wire;

namespace {

constexpr uint64_t SESSION_MICROS = 1000;

double expired(const Rig& rig) { return rig.counter(machine::counter::SESSIONS_EXPIRED); }

/** Two sessions, the second opened with the first's last touch. */
struct Two : One {
  uint64_t other;
  uint64_t sequence = 1;

  Two() : One({.sessionMicros = SESSION_MICROS}) { other = rig.session(log, 0); }

  /** A write of the second session, `micros` after the entry before. */
  std::vector<rig::Answer> later(uint64_t micros) {
    log.time += micros - 1;
    const uint64_t at = sequence++;
    return run(Request().record(other, at, at).plain(op::TOUCH));
  }
};

}  // namespace

TEST("expiry: a session lives for so many microseconds after it was touched, and not for one more") {
  Two two;  // the second was opened one microsecond after the first
  EQUAL(two.later(SESSION_MICROS - 1).at(0).status, status::OK);
  EQUAL(expired(two.rig), 0.0);
  EQUAL(two.later(1).at(0).status, status::OK);
  EQUAL(expired(two.rig), 1.0);
  EQUAL(two.rig.counter(machine::counter::SESSIONS), 1.0);
  EQUAL(two.run(Request().record(two.session, 1, 1).set("a", "1")).at(0).status, status::SESSION_EXPIRED);
}

TEST("expiry: its own write comes too late as well, and takes no effect") {
  Two two;
  two.log.time += 5 * SESSION_MICROS;
  const auto answers = two.run(Request().record(two.session, 1, 1).set("a", "1").get("a"));
  EQUAL(answers.size(), 2u);
  for (const rig::Answer& answer : answers) EQUAL(answer.status, status::SESSION_EXPIRED);
  EQUAL(expired(two.rig), 2.0);
  EQUAL(two.rig.machine().store().items(), 0u);
  EQUAL(two.rig.counter(machine::counter::PENDING_RECORDS), 0.0);
}

TEST("expiry: touched again and again it stays, and the order of touches is the order of expiry") {
  Two two;
  uint64_t sequence = 1;
  for (uint32_t i = 0; i < 20; ++i) {
    two.later(SESSION_MICROS / 3);
    two.log.time += SESSION_MICROS / 3;
    two.run(Request().record(two.session, sequence, sequence).plain(op::TOUCH));
    ++sequence;
  }
  EQUAL(expired(two.rig), 0.0);
  two.later(SESSION_MICROS / 2);
  two.later(SESSION_MICROS / 2 + 1);
  EQUAL(expired(two.rig), 1.0);
  EQUAL(two.run(Request().record(two.session, sequence, 1).get("a")).at(0).status, status::SESSION_EXPIRED);
}

TEST("expiry: neither a new epoch nor a leader whose clock is ahead or behind ends a session") {
  Two two;
  two.later(SESSION_MICROS - 10);
  two.log.epoch = 2;
  two.log.time += 1'000'000'000;
  two.later(1);
  EQUAL(expired(two.rig), 0.0);
  two.log.epoch = 3;
  two.log.time = 5;
  two.later(1);
  EQUAL(expired(two.rig), 0.0);
  // Inside an epoch time counts again, from where it stood.
  two.later(9);
  EQUAL(expired(two.rig), 0.0);
  two.later(10);
  EQUAL(expired(two.rig), 1.0);
}

TEST("expiry: with no limit nothing expires") {
  One one;
  one.log.time += 1'000'000'000'000;
  EQUAL(one.run(Request().record(one.session, 1, 1).set("a", "1")).at(0).status, status::OK);
  EQUAL(expired(one.rig), 0.0);
}

TEST("expiry: time inside one call of apply is that of each entry") {
  Two whole, split;
  std::vector<rig::Entry> entries;
  Log log = whole.log;
  uint64_t sequence = 1;
  for (uint32_t i = 0; i < 30; ++i) {
    whole.rig.request(Request().record(whole.other, sequence, sequence).set("a", "1"), 0);
    ++sequence;
    for (rig::Entry& entry : whole.rig.packEnd()) {
      log.time += SESSION_MICROS / 10;
      log.seal(entry);
      entries.push_back(entry);
    }
    whole.rig.packBegin();
  }
  whole.rig.apply(entries);
  for (const rig::Entry& entry : entries) split.rig.apply({entry});
  EQUAL(expired(whole.rig), 1.0);
  EQUAL(whole.rig.machine().sessionsDigest(), split.rig.machine().sessionsDigest());
  EQUAL(whole.rig.machine().digest(), split.rig.machine().digest());
}

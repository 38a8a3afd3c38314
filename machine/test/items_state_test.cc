// Item operations over sessions, fragments, entries and time: what is answered again, and what agrees.
#include "machine/test/items.h"
#include "machine/test/traffic.h"
#include "test/native/check.h"

using namespace wire;
using rig::Answer;
using rig::Entry;
using rig::Items;
using rig::Log;
using rig::One;
using rig::Prefix;
using rig::Random;
using rig::Request;
using rig::Rig;
using rig::Seen;
using rig::Traffic;

namespace {

constexpr uint64_t START = 1'700'000'000;
constexpr uint32_t CHUNK_BYTES = 1300;

const Prefix GAT{{0, 50, option::TTL | option::VALUE, 0}, {}, {}};

std::string patterned(size_t bytes) {
  std::string value(bytes, 0);
  for (size_t i = 0; i < bytes; ++i) value[i] = static_cast<char>(i * 31 + i / 251);
  return value;
}

/** Sends a wide operation from write `next` on; the answer of its last fragment. */
Answer sendWide(One& one, uint64_t& next, const std::string& wide) {
  const auto total = static_cast<uint32_t>(wide.size());
  std::vector<Answer> answers;
  for (uint32_t at = 0; at < total; at += CHUNK_BYTES, ++next) {
    answers = one.run(
        Request().record(one.session, next, next).fragment(total, at, wide.substr(at, CHUNK_BYTES)));
  }
  return answers.at(0);
}

}  // namespace

TEST("items: asked for again, a write is answered what it was answered first") {
  One one;
  const Request request = Request()
                              .record(one.session, 1, 1)
                              .item(op::STORE, {}, "n", "41")
                              .item(op::ARITH, {{}, {}, {1, 0}}, "n")
                              .item(op::FETCH, GAT, "n")
                              .item(op::FETCH, GAT, "none")
                              .item(op::ARITH, {{}, {}, {1, 0}}, "n")
                              .item(op::DROP, {}, "n");
  const auto first = one.run(request);
  EQUAL(first.size(), 6u);
  EQUAL(rig::seenOf(first[1], true).number(), 42u);
  EQUAL(rig::seenOf(first[2], true).value, std::string("42"));
  EQUAL(rig::seenOf(first[4], true).number(), 43u);
  one.run(Request().record(one.session, 7, 7, 6).item(op::STORE, {}, "n", "7"));
  const uint64_t digest = one.rig.machine().digest();
  const auto again = one.run(request);
  EQUAL(again.size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    EQUAL(again[i].status, first[i].status);
    EQUAL(again[i].version, first[i].version);
    EQUAL(again[i].value, first[i].value);
  }
  EQUAL(one.rig.machine().digest(), digest);
}

TEST("items: values of a megabyte are stored, extended, fetched and read, in parts") {
  One one;
  uint64_t next = 1;
  const std::string value = patterned(VALUE_BYTES_MAX - 10);
  const Prefix prefix{{77, 0, option::ADD, 0}, {}, {}};
  EQUAL(sendWide(one, next, rig::wideItemOf(op::STORE, prefix, "w", value)).status, status::OK);
  const Prefix append{{0, 0, option::APPEND, 0}, {}, {}};
  EQUAL(one.run(Request().record(one.session, next, next).item(op::STORE, append, "w", "0123456789"))
            .at(0).status,
        status::OK);
  ++next;
  EQUAL(one.run(Request().record(one.session, next, next).item(op::STORE, append, "w", "x")).at(0).status,
        status::TOO_LARGE);
  ++next;
  const Request fetch = Request().record(one.session, next, next).item(op::FETCH, GAT, "w").getItem("w");
  for (int round = 0; round < 2; ++round) {
    const auto answers = one.run(fetch);
    EQUAL(answers.size(), 2u);
    const Seen seen = rig::seenOf(answers.at(0), true);
    CHECK(seen.value == value + "0123456789");
    EQUAL(seen.head.flags, 77u);
  }
  ++next;
  const Prefix wrong{{0, 0, option::IF_CAS, 0}, {12345, 0}, {}};
  EQUAL(sendWide(one, next, rig::wideItemOf(op::STORE_IF, wrong, "w", value)).status,
        status::VERSION_MISMATCH);
  const Prefix impossible{{0, 0, 1u << 20, 0}, {}, {}};
  EQUAL(sendWide(one, next, rig::wideItemOf(op::STORE, impossible, "w", value)).status,
        status::BAD_REQUEST);
}

TEST("items: answers kept are bounded together, and there is room when a client has them") {
  One one({.sessionWindow = 256});
  uint64_t next = 1;
  const std::string value = patterned(VALUE_BYTES_MAX);
  EQUAL(sendWide(one, next, rig::wideItemOf(op::STORE, {}, "w", value)).status, status::OK);
  uint32_t kept = 0;
  const uint64_t from = next;
  for (uint32_t status = status::OK; kept < 100; ++kept, ++next) {
    const auto unanswered = static_cast<uint32_t>(next - from);
    status = one.run(Request().record(one.session, next, next, unanswered).item(op::FETCH, GAT, "w"))
                 .at(0).status;
    if (status == status::FULL) break;
    EQUAL(status, status::OK);
  }
  EQUAL(kept, 63u);  // of 64 MiB, as each is a little more than one
  ++next;
  EQUAL(one.run(Request().record(one.session, next, next, 0).item(op::FETCH, GAT, "w")).at(0).status,
        status::OK);
}

TEST("items: with nothing ordered, ticks let time pass, and only while something lives by it") {
  Items items(START);
  EQUAL(items.machine().packTick(), false);
  items.store("a", "1", 10);
  const auto tick = [&](uint64_t seconds) {
    items.log().time += seconds * 1'000'000;
    const bool packed = items.machine().packTick();
    items.rig().turn(items.log());
    return packed;
  };
  CHECK(tick(9));
  EQUAL(items.get("a").status, status::OK);
  CHECK(tick(1));
  EQUAL(items.get("a").status, status::NOT_FOUND);
  for (int i = 0; i < 30 && tick(1); ++i) {
  }
  EQUAL(items.machine().store().items(), 0u);
  EQUAL(tick(1), false);
  EQUAL(items.rig().counter(machine::counter::ITEMS_RECLAIMED), 1.0);
}

TEST("items: time does not go back, whoever leads") {
  Items items(START);
  items.store("a", "1", 10);
  items.later(10);
  items.log().epoch = 2;
  items.log().time -= 500'000'000;
  items.store("b", "1");
  EQUAL(items.get("a").status, status::NOT_FOUND);
  EQUAL(items.get("b").head.now, START + 10);
}

TEST("items: a full store refuses, or evicts when told to") {
  for (const bool evict : {false, true}) {
    Items items(START, {.storeBytes = 10'000, .evict = evict});
    uint32_t full = 0;
    for (int i = 0; i < 300; ++i) {
      full += items.store(rig::keyOf(i), std::string(100, 'v')).status == status::FULL;
    }
    EQUAL(full != 0, !evict);
    EQUAL(items.rig().counter(machine::counter::ITEMS_EVICTED) > 200, evict);
    EQUAL(items.store("wide", std::string(1000, 'v')).status == status::OK, evict);
    if (evict) {
      for (int i = 0; i < 500; ++i) {
        items.run(items.record().used({"wide"}));
        items.store(rig::keyOf(i), std::string(100, 'v'));
      }
      EQUAL(items.get("wide").status, status::OK);
    }
  }
}

TEST("items: replicas agree, however entries are grouped into calls of apply, and whoever reads") {
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    const bool evict = seed % 2 == 0;
    const rig::Options options{.storeBytes = evict ? 15'000u : 64u << 20, .evict = evict};
    Rig source(options), single(options), grouped(options);
    source.linkOpen(0);
    Log log;
    Traffic traffic(source, log, seed * 31, {.microsMax = 100'000, .items = true});
    Random random{seed};
    std::vector<Entry> group;
    for (uint32_t turn = 0; turn < 400; ++turn) {
      for (const Entry& entry : traffic.turn()) {
        single.apply({entry});
        group.push_back(entry);
      }
      if (random.below(20) != 0) continue;
      grouped.apply(group);
      group.clear();
    }
    grouped.apply(group);
    for (Rig* const each : {&single, &grouped}) {
      EQUAL(each->machine().digest(), source.machine().digest());
      EQUAL(each->machine().sessionsDigest(), source.machine().sessionsDigest());
      EQUAL(each->machine().store().digestScan(), source.machine().store().digest());
    }
    CHECK(source.counter(machine::counter::ITEMS_RECLAIMED) > 20);
    CHECK(!evict || source.counter(machine::counter::ITEMS_EVICTED) > 20);
  }
}

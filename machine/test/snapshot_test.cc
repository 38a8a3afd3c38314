// Snapshots: taken beside writes, restored elsewhere, and streams that are not what they say.
#include "machine/test/one.h"
#include "machine/test/traffic.h"
#include "test/native/check.h"

using rig::Bytes;
using rig::Entry;
using rig::One;
using rig::Random;
using rig::Request;
using rig::Rig;
using rig::Traffic;
using namespace wire;

namespace {

constexpr uint32_t PART_BYTES = machine::PART_BYTES_MIN;

/** The whole stream at once; nothing is applied meanwhile. */
Bytes snapshotOf(Rig& rig) {
  Bytes stream;
  CHECK(rig.machine().snapshotBegin());
  for (;;) {
    const Bytes part = rig.snapshotNext(PART_BYTES);
    if (part.empty()) break;
    stream.insert(stream.end(), part.begin(), part.end());
  }
  rig.machine().snapshotEnd();
  return stream;
}

/** In parts of random size; false when it is refused. */
bool restore(Rig& rig, const Bytes& stream, uint64_t seed, uint32_t bytesMax = 3000) {
  Random random{seed};
  rig.machine().restoreBegin();
  for (size_t at = 0; at < stream.size();) {
    const size_t bytes = std::min<size_t>(1 + random.below(bytesMax), stream.size() - at);
    if (!rig.restorePart(stream.data() + at, static_cast<uint32_t>(bytes))) return false;
    at += bytes;
  }
  return rig.machine().restoreEnd();
}

bool equal(Rig& a, Rig& b) {
  return a.machine().applied() == b.machine().applied() &&
         a.machine().digest() == b.machine().digest() &&
         a.machine().sessionsDigest() == b.machine().sessionsDigest() &&
         a.machine().store().items() == b.machine().store().items() &&
         a.machine().store().chargedBytes() == b.machine().store().chargedBytes();
}

void append(std::vector<Entry>& log, const std::vector<Entry>& entries) {
  log.insert(log.end(), entries.begin(), entries.end());
}

/** A rig with some history; `entries` is all of it. */
struct Aged {
  Rig rig;
  rig::Log log;
  Traffic traffic;
  std::vector<Entry> entries;

  Aged(const rig::Options& options, uint64_t seed, uint32_t turns, const Traffic::Shape& shape = {})
      : rig(options), traffic(rig, log, seed, shape) {
    rig.linkOpen(0);
    for (uint32_t i = 0; i < turns; ++i) append(entries, traffic.turn());
  }
};

/** What a source and all that are to equal it decide by. */
struct World {
  uint64_t sessionMicros = 0;  // or so many that sessions expire before, beside and after the snapshot
  uint64_t microsMax = 0;      // of a turn
  bool items = false;
  bool evict = false;
  uint64_t storeBytes = 64u << 20;
};

void besideWrites(uint64_t seed, const World& world) {
  const uint64_t sessionMicros = world.sessionMicros;
  Random random{seed * 77 + 1};
  const rig::Options options{
      .sessionMicros = sessionMicros, .storeBytes = world.storeBytes, .evict = world.evict};
  Aged source(options, seed, 300, {.microsMax = world.microsMax, .items = world.items});
  const size_t before = source.entries.size();
  const uint64_t counter = source.rig.machine().applied();
  CHECK(source.rig.machine().snapshotBegin());
  CHECK(!source.rig.machine().snapshotBegin());
  Bytes stream;
  for (uint32_t parts = 0;; ++parts) {
    const Bytes part = source.rig.snapshotNext(PART_BYTES);
    if (part.empty()) {
      CHECK(parts > (world.items ? 2u : 5u));
      break;
    }
    stream.insert(stream.end(), part.begin(), part.end());
    for (uint64_t i = random.below(12); i > 0; --i) append(source.entries, source.traffic.turn());
  }
  source.rig.machine().snapshotEnd();
  CHECK(source.entries.size() > before + 10);
  for (uint32_t i = 0; i < 50; ++i) append(source.entries, source.traffic.turn());

  const auto middle = source.entries.begin() + static_cast<ptrdiff_t>(before);
  const std::vector<Entry> head(source.entries.begin(), middle), tail(middle, source.entries.end());
  rig::Options elsewhere = options;
  elsewhere.replica = 2;
  Rig straight(options), restored(elsewhere);
  straight.apply(head);
  CHECK(restore(restored, stream, seed));
  EQUAL(restored.machine().applied(), counter);
  CHECK(equal(straight, restored));
  for (const Entry& entry : tail) {
    straight.apply({entry});
    restored.apply({entry});
    CHECK(equal(straight, restored));
  }
  CHECK(equal(source.rig, restored));
  if (sessionMicros != 0) CHECK(restored.counter(machine::counter::SESSIONS_EXPIRED) > 3);
  if (world.items) CHECK(restored.counter(machine::counter::ITEMS_RECLAIMED) > 5);
  if (world.evict) CHECK(restored.counter(machine::counter::ITEMS_EVICTED) > 20);
  // And what was restored can be kept in turn.
  Rig third(options);
  CHECK(restore(third, snapshotOf(restored), seed));
  CHECK(equal(third, restored));
}

}  // namespace

TEST("snapshot: taken beside writes and restored, it is the state that the log gives up to there") {
  for (uint64_t seed = 1; seed <= 12; ++seed) besideWrites(seed, {});
}

TEST("snapshot: beside sessions that expire the restored replica expires the same ones") {
  for (uint64_t seed = 1; seed <= 12; ++seed) besideWrites(seed, {30'000, 3'000});
}

TEST("snapshot: beside item operations the restored replica expires and flushes the same items") {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    besideWrites(seed, {.microsMax = 100'000, .items = true});
  }
}

TEST("snapshot: beside eviction the restored replica evicts the same items") {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    besideWrites(seed, {.microsMax = 100'000, .items = true, .evict = true, .storeBytes = 15'000});
  }
}

TEST("snapshot: the session idle for longest is the first to expire after a restore too") {
  const rig::Options options{.sessionMicros = 1000};
  One one(options);
  one.rig.session(one.log, 0);
  const uint64_t third = one.rig.session(one.log, 0);
  one.log.time += 500;
  one.run(Request().record(one.session, 1, 1).plain(op::TOUCH));
  Rig other(options);
  CHECK(restore(other, snapshotOf(one.rig), 1));
  // Later than the second may idle, and neither than the first may nor than the third that is touched.
  one.log.time += 498;
  one.rig.request(Request().record(third, 1, 1).plain(op::TOUCH), 0);
  other.apply(one.rig.turn(one.log));
  EQUAL(one.rig.counter(machine::counter::SESSIONS_EXPIRED), 1.0);
  EQUAL(other.counter(machine::counter::SESSIONS_EXPIRED), 1.0);
  CHECK(equal(one.rig, other));
}

TEST("snapshot: a session restored answers what it is asked again, and goes on") {
  One one;
  const Request request = Request().record(one.session, 1, 1).set("a", "1").create("a", "2");
  const auto first = one.run(request);
  const Bytes stream = snapshotOf(one.rig);
  Rig other({.replica = 2});
  CHECK(restore(other, stream, 1));
  EQUAL(other.machine().forwardApplied(), 0u);
  other.linkOpen(0);
  CHECK(other.request(request, 0) == machine::Taken::ok);
  const auto again = other.answers();
  EQUAL(again.size(), 2u);
  for (size_t i = 0; i < again.size(); ++i) {
    EQUAL(again[i].status, first[i].status);
    EQUAL(again[i].version, first[i].version);
  }
  CHECK(other.request(Request().record(one.session, 3, 3, 2).set("a", "3").get("a"), 0) ==
        machine::Taken::ok);
  rig::Log log = one.log;
  other.turn(log);
  const auto next = other.answers();
  EQUAL(next.size(), 2u);
  EQUAL(next.at(1).value, std::string("3"));
}

TEST("snapshot: a value and an assembly larger than a part cross parts") {
  One one;
  const std::string value(500'000, 'v');
  const std::string wide = rig::wideOf(op::SET, "wide", value);
  uint64_t sequence = 1;
  Bytes streams[2];
  for (uint32_t done = 0; done < wide.size();) {
    const std::string chunk = wide.substr(done, 1200);
    one.run(Request().record(one.session, sequence, sequence)
                .fragment(static_cast<uint32_t>(wide.size()), done, chunk));
    ++sequence;
    done += static_cast<uint32_t>(chunk.size());
    if (done + 1200 > wide.size() && streams[0].empty()) streams[0] = snapshotOf(one.rig);
  }
  streams[1] = snapshotOf(one.rig);
  const std::string last = wide.substr(wide.size() / 1200 * 1200);
  for (const Bytes& stream : streams) {
    Rig other;
    CHECK(restore(other, stream, 3, 100'000));
    CHECK(stream.size() > 450'000);
    if (other.machine().store().items() == 0) {
      other.linkOpen(0);
      const auto offset = static_cast<uint32_t>(wide.size() - last.size());
      const auto total = static_cast<uint32_t>(wide.size());
      other.request(Request().record(one.session, sequence - 1, 1).fragment(total, offset, last), 0);
      rig::Log log{one.log.counter - 1, one.log.time - 1};
      other.turn(log);
    }
    CHECK(equal(one.rig, other));
  }
}

TEST("snapshot: of nothing is nothing, and a machine forgets what it had for it") {
  Rig empty;
  Aged aged({}, 5, 100);
  aged.rig.machine().linkClose(0);
  CHECK(restore(aged.rig, snapshotOf(empty), 1));
  CHECK(equal(aged.rig, empty));
  EQUAL(aged.rig.machine().applied(), 0u);
  aged.rig.apply(aged.entries);
  Rig straight;
  straight.apply(aged.entries);
  CHECK(equal(aged.rig, straight));
  aged.rig.machine().reset();
  CHECK(equal(aged.rig, empty));
}

TEST("snapshot: abandoned it costs nothing later, and the next is whole") {
  Aged aged({}, 6, 100);
  CHECK(aged.rig.machine().snapshotBegin());
  aged.rig.snapshotNext(PART_BYTES);
  for (uint32_t i = 0; i < 20; ++i) append(aged.entries, aged.traffic.turn());
  aged.rig.machine().snapshotEnd();
  aged.rig.machine().snapshotEnd();
  Rig other;
  CHECK(restore(other, snapshotOf(aged.rig), 1));
  CHECK(equal(aged.rig, other));
}

TEST("snapshot: every limit that decides at apply must be the same") {
  Aged aged({}, 7, 20);
  const Bytes stream = snapshotOf(aged.rig);
  const rig::Options others[] = {
      {.sessionsMax = 65}, {.sessionWindow = 65}, {.sessionMicros = 1u << 30}, {.storeBytes = 65u << 20}};
  for (const rig::Options& options : others) {
    Rig other(options);
    CHECK(!restore(other, stream, 1));
    CHECK(!other.machine().restoreEnd());
    other.machine().reset();
    other.apply(aged.entries);
    EQUAL(other.machine().digest(), aged.rig.machine().digest());
  }
}

TEST("snapshot: a stream cut short, or with more behind its end, is refused") {
  Aged aged({}, 8, 40);
  Bytes stream = snapshotOf(aged.rig);
  Rig other;
  for (const size_t bytes : {size_t{0}, size_t{7}, size_t{56}, stream.size() / 2, stream.size() - 1}) {
    CHECK(!restore(other, Bytes(stream.begin(), stream.begin() + static_cast<ptrdiff_t>(bytes)), 1));
  }
  CHECK(restore(other, stream, 1));
  stream.push_back(0);
  stream.resize(stream.size() + 7);
  CHECK(!restore(other, stream, 1));
}

TEST("snapshot: a stream changed anywhere is refused or gives the same state, and crashes nothing") {
  Aged aged({}, 9, 60);
  const Bytes stream = snapshotOf(aged.rig);
  Random random{99};
  Rig other;
  uint32_t refused = 0;
  for (uint32_t round = 0; round < 3000; ++round) {
    Bytes changed = stream;
    for (uint64_t i = random.below(3); i < 3; ++i) {
      const size_t at = random.below(changed.size());
      switch (random.below(4)) {
        case 0:
          changed[at] ^= static_cast<uint8_t>(1u << random.below(8));
          break;
        case 1:
          changed[at] = static_cast<uint8_t>(random.below(2) == 0 ? 0xff : 0);
          break;
        case 2:
          changed.erase(changed.begin() + static_cast<ptrdiff_t>(at));
          break;
        default:
          for (size_t k = at; k < std::min(at + 8, changed.size()); ++k)
            changed[k] = static_cast<uint8_t>(random.below(256));
      }
    }
    if (restore(other, changed, round)) {
      CHECK(equal(other, aged.rig));
    } else {
      ++refused;
    }
  }
  CHECK(refused > 2000);
  CHECK(restore(other, stream, 1));
  CHECK(equal(other, aged.rig));
}

TEST("snapshot: a session's bytes come back as they were, cut or changed ones not as another's") {
  machine::SessionState state;
  state.id = 7;
  state.applied = 40;
  state.answered = 11;
  state.lastTouched = 5;
  state.results.push({11, 100, 20, status::OK});
  state.results.push({31, 90, 10, status::EXISTS});
  state.assembly.total = 300;
  state.assembly.received = 100;
  state.assembly.bytes = std::make_unique<uint8_t[]>(300);
  Bytes bytes;
  serialize(state, bytes);
  const auto comesBack = [](const Bytes& given, uint32_t window) {
    const auto exact = std::make_unique<uint8_t[]>(given.size());  // so that a byte more is noticed
    std::copy(given.begin(), given.end(), exact.get());
    machine::SessionState parsed;
    if (!machine::parse(exact.get(), given.size(), window, parsed)) return false;
    Bytes again;
    serialize(parsed, again);
    CHECK(again == given);
    return true;
  };
  CHECK(comesBack(bytes, 30));
  CHECK(!comesBack(bytes, 29));
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    CHECK(!comesBack(Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(cut)), 30));
  }
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK(!comesBack(longer, 30));
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (uint32_t bit = 0; bit < 8; ++bit) {
      Bytes changed = bytes;
      changed[at] ^= static_cast<uint8_t>(1u << bit);
      comesBack(changed, 30);
    }
  }
}

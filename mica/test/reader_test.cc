/** Readers on other threads beside the writer: they see whole values, and keys that are there. */
#include <atomic>
#include <thread>
#include <vector>

#include "fixture.h"

namespace mica::test {
namespace {

constexpr uint32_t READERS = 2;
constexpr uint32_t BUFFER_BYTES = 32 << 10;

/** Keys below this are there from the beginning and never removed; the others come and go. */
constexpr uint64_t STABLE_KEYS = 500;
constexpr uint64_t KEYS = 3'000;

/** The value is a function of version, key and size: a mixture of two writes cannot pass. */
std::string stampedValue(uint64_t key, uint64_t version, uint32_t bytes) {
  return valueOf(key << 40 ^ version, bytes);
}

struct Report {
  uint64_t reads = 0;
  uint64_t hits = 0;
  uint64_t torn = 0;
  uint64_t lost = 0;       // a stable key that was not found
  uint64_t backwards = 0;  // a stable key's version went back
};

void readUntil(const Store& store, const std::atomic<bool>& stop, uint64_t seed, Report& report) {
  Random random = {seed};
  std::string out(BUFFER_BYTES, '?');
  std::vector<uint64_t> versions(STABLE_KEYS);
  while (!stop.load(std::memory_order_relaxed)) {
    const uint64_t number = random.below(KEYS);
    const Copied copied = read(store, "k" + std::to_string(number), out);
    ++report.reads;
    const bool stable = number < STABLE_KEYS;
    if (copied.status == Status::notFound) {
      report.lost += stable;
      continue;
    }
    ++report.hits;
    if (stable) {
      report.backwards += copied.version < versions[number];
      versions[number] = copied.version;
    }
    const std::string wanted = stampedValue(number, copied.version, copied.valueBytes);
    report.torn += copied.status != Status::ok || copied.flags != copied.valueBytes ||
                   copied.expiry != static_cast<uint32_t>(copied.version) ||
                   out.compare(0, wanted.size(), wanted) != 0;
  }
}

uint32_t randomBytes(Random& random) {
  if (random.oneIn(1'000)) return static_cast<uint32_t>(random.below(BUFFER_BYTES));
  return static_cast<uint32_t>(random.oneIn(8) ? random.below(3'000) : random.below(100));
}

void stamp(Store& store, uint64_t number, uint64_t version, uint32_t bytes) {
  set(store, "k" + std::to_string(number), stampedValue(number, version, bytes),
      {version, bytes, static_cast<uint32_t>(version)});
}

/** Updates in place and between classes, removes, splits, and releases of whole pages. */
void writeBeside(Store& store, uint64_t operations) {
  Random random = {77};
  uint64_t grown = 0;
  for (uint64_t step = 2; step < operations; ++step) {
    const uint64_t number = random.below(KEYS);
    if (number >= STABLE_KEYS && random.oneIn(2)) {
      remove(store, "k" + std::to_string(number));
    } else {
      stamp(store, number, step, randomBytes(random));
    }
    // Splits happen at new heights only.
    if (step % 4 == 0) set(store, "grow" + std::to_string(++grown), "x", {1});
    if (step % 20'000 == 0) {
      for (uint64_t i = STABLE_KEYS; i < KEYS; ++i) remove(store, "k" + std::to_string(i));
    }
  }
}

void readBesideWriter() {
  const auto store = Store::create({256 * MIB, 0, false, true});
  for (uint64_t i = 0; i < STABLE_KEYS; ++i) stamp(*store, i, 1, 40);
  std::atomic<bool> stop = false;
  std::vector<Report> reports(READERS);
  std::vector<std::thread> readers;
  for (uint32_t i = 0; i < READERS; ++i) {
    readers.emplace_back([&, i] { readUntil(*store, stop, i, reports[i]); });
  }
  writeBeside(*store, 100'000);
  stop = true;
  for (std::thread& reader : readers) reader.join();
  for (const Report& report : reports) {
    CHECK(report.reads > 1'000 && report.hits > 100);
    CHECK(report.torn == 0);
    CHECK(report.lost == 0);
    CHECK(report.backwards == 0);
  }
  CHECK(store->digest() == store->digestScan());
}

/** The sizes of a hot key's value: 4,100 and 4,200 share a size class, 1,000 does not. */
uint32_t hotBytes(uint64_t version) {
  if (version % 3 == 0) return 1'000;
  return version % 2 == 0 ? 4'100 : 4'200;
}

constexpr uint32_t HOT_BYTES_MAX = 4'200;

/** Every word of the value is the stamp. */
void writeWords(Store& store, const std::string& key, uint64_t stamp, uint64_t version) {
  uint64_t words[HOT_BYTES_MAX / 8];
  for (uint64_t& word : words) word = stamp;
  store.set(hashOf(key), bytesOf(key), sizeOf(key),
            reinterpret_cast<const uint8_t*>(words), hotBytes(version), {version});
}

/** Whether version, size and value belong together; comparing the ends is enough, and quick. */
bool wholeWords(const Copied& copied, const std::string& out, uint64_t stamp) {
  if (copied.valueBytes != hotBytes(copied.version)) return false;
  if (copied.status == Status::tooLarge) return copied.valueBytes > out.size();
  if (copied.status != Status::ok) return false;
  uint64_t first, last;
  std::memcpy(&first, out.data(), 8);
  std::memcpy(&last, out.data() + copied.valueBytes / 8 * 8 - 8, 8);
  return first == stamp && last == stamp;
}

/** Reads one key, into a buffer that fits and one that does not always, while `write` runs. */
template <typename Write>
uint64_t tornBeside(const Store& store, const std::string& key, Write write) {
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> torn = 0, hits = 0;
  std::thread reader([&] {
    std::string buffers[] = {std::string(HOT_BYTES_MAX, '?'), std::string(4'150, '?')};
    for (uint64_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
      std::string& out = buffers[i % 2];
      const Copied copied = read(store, key, out);
      if (copied.status == Status::notFound) continue;
      torn += !wholeWords(copied, out, copied.version * 2);
      ++hits;
    }
  });
  for (uint64_t version = 2; version < 60'000 || hits < 1'000; ++version) write(version);
  stop = true;
  reader.join();
  return torn;
}

/** One key, hammered: the chance for a torn read is as high as it can be. */
void oneHotKey() {
  const auto store = Store::create({16 * MIB, 0, false, true});
  writeWords(*store, "hot", 2, 1);
  const uint64_t torn = tornBeside(*store, "hot", [&](uint64_t version) {
    writeWords(*store, "hot", version * 2, version);
  });
  CHECK(torn == 0);
}

/** The removed key's place is filled with the other's item at once. */
void placeTakenOver() {
  const auto store = Store::create({16 * MIB, 0, false, true});
  const uint64_t torn = tornBeside(*store, "removed", [&](uint64_t version) {
    writeWords(*store, "removed", version * 2, version);
    writeWords(*store, "other", version * 2 + 1, version);
    remove(*store, "removed");
    remove(*store, "other");
  });
  CHECK(torn == 0 && store->items() == 0);
}

}  // namespace

void readerTests() {
  run("readers: beside the writer they see whole values, no lost key, no version going back",
      readBesideWriter);
  run("readers: one hot key that changes all the time is never torn", oneHotKey);
  run("readers: a removed item whose place another takes is never torn", placeTakenOver);
}

}  // namespace mica::test

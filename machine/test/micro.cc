// Measures the data path: nanoseconds an operation for 8-byte keys and 32-byte values, random over
// many keys. Usage: micro [keys] [seconds for each measurement]
#include <cstring>
#include <ctime>

#include "machine/test/rig.h"

using machine::Machine;
using namespace wire;

namespace {

constexpr uint32_t DATAGRAM = 1472;
constexpr uint32_t RECORD_OPERATIONS = 30;
constexpr uint32_t SESSIONS = 64;
constexpr uint32_t ENTRIES = 1024;
constexpr uint32_t BURST = 64;  // entries or requests a turn
constexpr uint32_t REPLY_SLOTS = 512;
constexpr uint32_t ROWS = 1024;
constexpr uint32_t LINKS = 4;

/** Seconds of this thread's own time: other work on the machine costs less of the result. */
double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

uint64_t random64(uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

/** The slab: entries or requests, a pack span, reply slots. */
class Bench {
 public:
  explicit Bench(uint64_t keys);

  void load();
  void apply(double seconds, uint32_t operations);
  void requests(double seconds, uint32_t reads, bool wait);

 private:
  uint32_t at(uint32_t i) const { return i * DATAGRAM; }
  uint32_t writeRecord(uint32_t offset, Record head, uint32_t writes, uint32_t reads);
  void entry(uint32_t i, uint32_t session, uint32_t operations, uint64_t sequential);
  void openSessions();
  uint32_t freeReplies();
  void applyPacked(uint32_t count);

  uint64_t keys_;
  std::vector<uint8_t> slab_;
  std::vector<uint32_t> packRows_, replyRows_, applyRows_;
  std::vector<double> counters_;
  std::unique_ptr<Machine> machine_;
  uint64_t counter_ = 0;
  uint64_t random_ = 88172645463325252u;
  uint64_t sequences_[SESSIONS + 1] = {};  // written by each session
  uint64_t operations_[SESSIONS + 1] = {};
};

Bench::Bench(uint64_t keys)
    : keys_(keys),
      slab_(size_t{DATAGRAM} * (ENTRIES + 2 * BURST + 2 + REPLY_SLOTS)),
      packRows_(ROWS * 4),
      replyRows_(ROWS * 4),
      applyRows_(ROWS),
      counters_(machine::COUNTERS) {
  const machine::Settings settings{.slab = slab_.data(),
                                   .slabBytes = slab_.size(),
                                   .datagramBytes = DATAGRAM,
                                   .replica = 1,
                                   .replyOffset = at(ENTRIES + 2 * BURST + 2),
                                   .replySlots = REPLY_SLOTS,
                                   .linksMax = LINKS,
                                   .sessionsMax = SESSIONS,
                                   .sessionWindow = 1u << 16,
                                   .sessionMicros = 1u << 30,
                                   .storeBytes = uint64_t{4} << 30,
                                   .evict = false,
                                   .rows = ROWS,
                                   .packRows = packRows_.data(),
                                   .replyRows = replyRows_.data(),
                                   .applyRows = applyRows_.data(),
                                   .counters = counters_.data()};
  std::string error;
  machine_ = Machine::create(settings, error);
  machine::require(machine_ != nullptr, "micro: the settings are possible");
  for (uint32_t link = 0; link < LINKS; ++link) machine_->linkOpen(link);
  openSessions();
}

uint32_t Bench::writeRecord(uint32_t offset, Record head, uint32_t writes, uint32_t reads) {
  uint8_t* at = slab_.data() + offset + sizeof(Record);
  const auto put = [&](uint8_t kind, uint32_t valueBytes) {
    store(at, Operation{kind, 8, static_cast<uint16_t>(valueBytes)});
    store(at + 4, random64(random_) % keys_);
    if (valueBytes != 0) std::memset(at + 12, static_cast<int>(random_), valueBytes);
    at += 12 + valueBytes;
  };
  for (uint32_t i = 0; i < writes; ++i) put(op::SET, 32);
  for (uint32_t i = 0; i < reads; ++i) put(op::GET, 0);
  head.bytes = static_cast<uint32_t>(at - slab_.data() - offset);
  head.count = static_cast<uint16_t>(writes + reads);
  head.writes = writes;
  store(slab_.data() + offset, head);
  return head.bytes;
}

/** A sealed entry with one record of some session. */
void Bench::entry(uint32_t i, uint32_t session, uint32_t operations, uint64_t sequential) {
  uint64_t& sequence = sequences_[session];
  const Record head{0, 0, 2, 0, session, sequence + 1, 0, 0, 0};
  const uint32_t bytes = writeRecord(at(i) + BODY_OFFSET, head, operations, 0);
  if (sequential != UINT64_MAX) {
    for (uint32_t k = 0; k < operations; ++k) {
      store(slab_.data() + at(i) + BODY_OFFSET + sizeof(Record) + k * 44 + 4, sequential + k);
    }
  }
  sequence += operations;
  Header header{};
  header.length = OVERHEAD_BYTES + bytes;
  header.counter = counter_ + 1;
  header.count = operations;
  counter_ += operations;
  store(slab_.data() + at(i), header);
}

void Bench::openSessions() {
  for (uint32_t session = 1; session <= SESSIONS; ++session) {
    uint8_t* const body = slab_.data() + at(0) + BODY_OFFSET;
    store(body, Record{52, 1, 2, 0, 0, 0, 0, 1, 0});
    store(body + 40, wire::Operation{op::OPEN, 8, 0});
    store(body + 44, uint64_t{session});
    Header header{};
    header.length = OVERHEAD_BYTES + 52;
    header.counter = ++counter_;
    header.count = 1;
    store(slab_.data() + at(0), header);
    applyRows_[0] = at(0);
    machine_->apply(1);
  }
}

void Bench::load() {
  for (uint64_t key = 0; key < keys_; key += RECORD_OPERATIONS) {
    entry(0, 1 + key % SESSIONS, RECORD_OPERATIONS, key);
    applyRows_[0] = at(0);
    machine_->apply(1);
  }
  std::printf("loaded %.0f items, %.0f MB resident\n", counters_[machine::counter::ITEMS],
              static_cast<double>(machine_->store().residentBytes()) / 1e6);
}

void Bench::apply(double seconds, uint32_t operations) {
  double spent = 0;
  uint64_t done = 0;
  while (spent < seconds) {
    for (uint32_t i = 0; i < ENTRIES; ++i)
      entry(i, 1 + random64(random_) % SESSIONS, operations, UINT64_MAX);
    const double start = now();
    for (uint32_t i = 0; i < ENTRIES; i += BURST) {
      for (uint32_t k = 0; k < BURST; ++k) applyRows_[k] = at(i + k);
      machine_->apply(BURST);
    }
    spent += now() - start;
    done += uint64_t{ENTRIES} * operations;
  }
  std::printf("apply, %2u a record:                    %6.1f ns an operation, %5.1f M/s\n",
              operations, spent / static_cast<double>(done) * 1e9,
              static_cast<double>(done) / spent / 1e6);
}

uint32_t Bench::freeReplies() {
  uint32_t total = 0;
  for (uint32_t count = ROWS; count == ROWS;) {
    count = machine_->repliesClose();
    for (uint32_t i = 0; i < count; ++i) machine_->replyFree(replyRows_[i * 4 + 1]);
    total += count;
  }
  return total;
}

void Bench::applyPacked(uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t* const row = packRows_.data() + i * 4;
    auto header = wire::load<Header>(slab_.data() + row[0]);
    header.length = row[2];
    header.counter = counter_ + 1;
    header.count = row[3];
    counter_ += row[3];
    store(slab_.data() + row[0], header);
    applyRows_[i] = row[0];
  }
  machine_->apply(count);
}

/** Requests of one record over a few links: taken, packed, applied, answered. */
void Bench::requests(double seconds, uint32_t reads, bool reading) {
  const uint32_t writes = reading ? 0 : RECORD_OPERATIONS;
  double taking = 0, applying = 0, answering = 0;
  uint64_t done = 0;
  while (taking + applying + answering < seconds) {
    for (uint32_t i = 0; i < BURST; ++i) {
      const uint32_t session = 1 + i % SESSIONS;
      const Record head{
          0, 0, ORIGIN_CLIENT, 0, session, sequences_[session] + 1, operations_[session], 0, 0};
      const uint32_t bytes = writeRecord(at(i) + BODY_OFFSET, head, writes, reads);
      sequences_[session] += writes;
      operations_[session] += writes + reads;
      Header header{};
      header.length = OVERHEAD_BYTES + bytes;
      store(slab_.data() + at(i), header);
    }
    const double start = now();
    machine_->packBegin(at(ENTRIES), (2 * BURST + 2) * DATAGRAM, 0);
    for (uint32_t i = 0; i < BURST; ++i) {
      const bool taken = machine_->request(at(i), i % LINKS) == machine::Taken::ok;
      machine::require(taken, "micro: a request is taken");
    }
    const uint32_t packed = machine_->packEnd();
    const double took = now();
    if (packed != 0) applyPacked(packed);
    const double applied = now();
    freeReplies();
    taking += took - start;
    applying += applied - took;
    answering += now() - applied;
    done += uint64_t{BURST} * (writes + reads);
  }
  const double scale = 1e9 / static_cast<double>(done);
  std::printf("%-38s %6.1f ns an operation (taken %.1f, applied %.1f, replies %.1f)\n",
              reading ? "reads, taken and answered:" : "writes, taken, packed, applied, answered:",
              (taking + applying + answering) * scale, taking * scale, applying * scale,
              answering * scale);
}

}  // namespace

int main(int count, char** arguments) {
  const uint64_t keys = count > 1 ? std::stoull(arguments[1]) : 1000000;
  const double seconds = count > 2 ? std::stod(arguments[2]) : 1;
  Bench bench(keys);
  bench.load();
  for (const uint32_t operations : {30u, 4u, 1u}) bench.apply(seconds, operations);
  bench.requests(seconds, 0, false);
  bench.requests(seconds, 100, true);
  return 0;
}

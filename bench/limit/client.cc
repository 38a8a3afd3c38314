#include "bench/limit/client.h"

#include <deque>

namespace limit {

namespace {

using bench::nanosNow;

constexpr int SILENCE_MILLIS_MAX = 2000;
constexpr uint32_t DATAGRAMS_IN_FLIGHT_MIN = 4;  // one is always on its way

struct Issued {
  uint64_t counter;  // of its last operation
  uint32_t count;
  int64_t at;
};

/** A datagram's operations: as many as fit, and fewer where few may be outstanding. */
uint32_t countOf(uint32_t outstanding, uint32_t most) {
  return std::max(1u, std::min(most, outstanding / DATAGRAMS_IN_FLIGHT_MIN));
}

struct Writer {
  bench::Random random{1};
  uint32_t keys;
  uint64_t issued = 0;
  std::deque<Issued> inFlight{};
};

void fillSets(Writer& writer, uint8_t* datagram, uint32_t count) {
  Set* const sets = recordsOf<Set>(datagram);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t id = writer.random.below(writer.keys);
    sets[i].kind = 1;
    bench::writeKey(id, reinterpret_cast<char*>(sets[i].key));
    std::memcpy(sets[i].value, &id, sizeof id);
    const auto stamp = static_cast<uint32_t>(writer.issued + i);
    std::memcpy(sets[i].value + 4, &stamp, sizeof stamp);
  }
  writer.issued += count;
  headOf(datagram)->count = count;
  headOf(datagram)->counter = writer.issued;
  writer.inFlight.push_back({writer.issued, count, nanosNow()});
}

/** As many trains as the window allows. */
void sendSets(Writer& writer, Sockets& sockets, const Load& load, uint64_t completed, uint8_t* out) {
  const uint32_t count = countOf(load.outstanding, SETS_MAX);
  const uint32_t segment = bytesOf<Set>(count);
  const uint32_t trainMax = TRAIN_BYTES_MAX / segment * segment;
  uint32_t filled = 0;
  while (writer.issued + count <= completed + load.outstanding) {
    fillSets(writer, out + filled, count);
    filled += segment;
    if (filled < trainMax) continue;
    sockets.client.send(sockets.clients[0].place(), out, filled, segment);
    filled = 0;
  }
  if (filled > 0) sockets.client.send(sockets.clients[0].place(), out, filled, segment);
}

/** Nothing is sent again here: a lost datagram ends the run, and the figure with it. */
void awaitAnswers(const Socket& socket) {
  const int64_t begin = nanosNow();
  const Socket* const heard[] = {&socket};
  awaitAny(heard, 1, SILENCE_MILLIS_MAX);
  if (nanosNow() - begin > int64_t{SILENCE_MILLIS_MAX} * 1'000'000 - 1'000'000) {
    bench::stop("No answer came: a datagram was lost. Raise net.core.rmem_max, or run as root.");
  }
}

}  // namespace

bench::Tally driveWrites(Sockets& sockets, const Load& load, double& seconds) {
  const Buffers buffers(MESSAGES_MAX + 1);
  Train trains[MESSAGES_MAX];
  Writer writer{bench::Random(1), load.keys};
  bench::Tally tally;
  uint64_t completed = 0;
  seconds = bench::keepFor(load.warmUp, load.seconds, tally, [&] {
    sendSets(writer, sockets, load, completed, *buffers.from(MESSAGES_MAX));
    awaitAnswers(sockets.client);
    const uint32_t count = sockets.client.receive(buffers.from(0), trains, MESSAGES_MAX);
    for (uint32_t i = 0; i < count; ++i) {
      forEachDatagram(trains[i], [&](uint8_t* datagram, uint32_t) {
        completed = std::max(completed, headOf(datagram)->counter);
      });
    }
    const int64_t now = nanosNow();
    while (!writer.inFlight.empty() && writer.inFlight.front().counter <= completed) {
      const Issued& done = writer.inFlight.front();
      tally.latency.record(now - done.at, done.count);
      tally.writes += done.count;
      writer.inFlight.pop_front();
    }
  });
  return tally;
}

namespace {

struct Reader {
  bench::Random random{1};
  uint32_t keys;
  uint32_t perDatagram;
  /** The ids asked for, by request, to compare with what comes. */
  std::vector<uint32_t> asked;
  std::vector<int64_t> issuedAt;
  std::vector<uint32_t> missing;
};

void sendGets(Reader& reader, Sockets& sockets, uint32_t request, uint8_t* out) {
  Get* const gets = recordsOf<Get>(out);
  uint32_t* const asked = reader.asked.data() + size_t{request} * reader.perDatagram;
  for (uint32_t i = 0; i < reader.perDatagram; ++i) {
    asked[i] = reader.random.below(reader.keys);
    gets[i].kind = 64;
    bench::writeKey(asked[i], reinterpret_cast<char*>(gets[i].key));
  }
  headOf(out)->count = reader.perDatagram;
  headOf(out)->counter = request;
  reader.issuedAt[request] = nanosNow();
  reader.missing[request] = reader.perDatagram;
  const uint32_t bytes = bytesOf<Get>(reader.perDatagram);
  sockets.client.send(sockets.clients[request % Sockets::REPLICAS].place(), out, bytes, bytes);
}

/** Compares some of the values; true when the request is answered in full. */
bool takeResults(Reader& reader, uint8_t* datagram, bench::Tally& tally) {
  const Head& head = *headOf(datagram);
  const auto request = static_cast<uint32_t>(head.counter);
  const Result* const results = recordsOf<Result>(datagram);
  const uint32_t from = reader.perDatagram - reader.missing[request];
  const uint32_t* const asked = reader.asked.data() + size_t{request} * reader.perDatagram + from;
  for (uint32_t i = 0; i < head.count; i += VALUE_CHECKED_EVERY) {
    if (results[i].status != 0 || std::memcmp(results[i].value, &asked[i], sizeof asked[i]) != 0) ++tally.errors;
  }
  tally.reads += head.count;
  tally.latency.record(nanosNow() - reader.issuedAt[request], head.count);
  reader.missing[request] -= head.count;
  return reader.missing[request] == 0;
}

}  // namespace

bench::Tally driveReads(Sockets& sockets, const Load& load, double& seconds) {
  const uint32_t each = std::max(1u, load.outstanding / (load.outstanding < Sockets::REPLICAS ? 1 : Sockets::REPLICAS));
  const uint32_t perDatagram = countOf(each, GETS_MAX);
  const uint32_t requests = std::max(1u, load.outstanding / perDatagram);
  const Buffers buffers(MESSAGES_MAX + 1);
  Train trains[MESSAGES_MAX];
  Reader reader{bench::Random(1), load.keys, perDatagram, std::vector<uint32_t>(size_t{requests} * perDatagram),
                std::vector<int64_t>(requests), std::vector<uint32_t>(requests)};
  bench::Tally tally;
  for (uint32_t request = 0; request < requests; ++request) {
    sendGets(reader, sockets, request, *buffers.from(MESSAGES_MAX));
  }
  seconds = bench::keepFor(load.warmUp, load.seconds, tally, [&] {
    awaitAnswers(sockets.client);
    const uint32_t count = sockets.client.receive(buffers.from(0), trains, MESSAGES_MAX);
    for (uint32_t i = 0; i < count; ++i) {
      forEachDatagram(trains[i], [&](uint8_t* datagram, uint32_t) {
        const auto request = static_cast<uint32_t>(headOf(datagram)->counter);
        if (takeResults(reader, datagram, tally)) sendGets(reader, sockets, request, *buffers.from(MESSAGES_MAX));
      });
    }
  });
  return tally;
}

}  // namespace limit

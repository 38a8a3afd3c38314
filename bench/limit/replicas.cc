#include "bench/limit/replicas.h"

#include <deque>

namespace limit {

namespace {

constexpr uint32_t BUFFERS = 512;  // of the leader: 32 MiB, more than a client has outstanding
constexpr uint32_t FOLLOWERS = Sockets::REPLICAS - 1;
constexpr int FOREVER = -1;

struct Leader {
  Sockets& sockets;
  Table& table;
  bool multicast;
  Buffers requests{BUFFERS + MESSAGES_MAX};
  Buffers acks{MESSAGES_MAX};
  uint32_t next = 0;              // the buffer that is filled next
  std::deque<Train> waiting{};    // for acknowledgements, in order
  uint64_t acked[FOLLOWERS] = {};
};

void takeRequests(Leader& leader) {
  Train trains[MESSAGES_MAX];
  const auto held = static_cast<uint32_t>(leader.waiting.size());
  const uint32_t room = std::min(BUFFERS - held, BUFFERS - leader.next);
  const uint32_t count =
      leader.sockets.clients[0].receive(leader.requests.from(leader.next), trains, room);
  for (uint32_t i = 0; i < count; ++i) {
    const Train& train = trains[i];
    if (leader.multicast) {
      leader.sockets.peers[0].send(leader.sockets.members[1].place(), train.at, train.bytes, train.segment);
    } else {
      for (uint32_t replica = 1; replica <= FOLLOWERS; ++replica) {
        leader.sockets.peers[0].send(leader.sockets.peers[replica].place(), train.at, train.bytes, train.segment);
      }
    }
    leader.waiting.push_back(train);
  }
  leader.next = (leader.next + count) % BUFFERS;
}

void takeAcks(Leader& leader) {
  Train trains[MESSAGES_MAX];
  const uint32_t count = leader.sockets.peers[0].receive(leader.acks.from(0), trains, MESSAGES_MAX);
  for (uint32_t i = 0; i < count; ++i) {
    const bool isSecond = trains[i].from.sin_port == leader.sockets.peers[2].place().sin_port;
    forEachDatagram(trains[i], [&](uint8_t* datagram, uint32_t) {
      uint64_t& acked = leader.acked[isSecond ? 1 : 0];
      acked = std::max(acked, headOf(datagram)->counter);
    });
  }
}

/** Applies what both have, and tells the client how far that is. */
void applyAcked(Leader& leader) {
  const uint64_t acked = std::min(leader.acked[0], leader.acked[1]);
  Head answer{};
  sockaddr_in client{};
  while (!leader.waiting.empty()) {
    const Train& train = leader.waiting.front();
    uint64_t last = 0;
    forEachDatagram(train, [&](uint8_t* datagram, uint32_t) { last = headOf(datagram)->counter; });
    if (last > acked) break;
    forEachDatagram(train, [&](uint8_t* datagram, uint32_t) { leader.table.apply(datagram); });
    answer.counter = last;
    client = train.from;
    leader.waiting.pop_front();
  }
  if (answer.counter == 0) return;
  leader.sockets.clients[0].send(client, reinterpret_cast<uint8_t*>(&answer), sizeof answer, sizeof answer);
}

}  // namespace

void runLeader(Sockets& sockets, Table& table, bool multicast) {
  Leader leader{sockets, table, multicast};
  const Socket* const heard[] = {&sockets.clients[0], &sockets.peers[0]};
  for (;;) {
    awaitAny(heard, 2, FOREVER);
    takeAcks(leader);
    takeRequests(leader);
    applyAcked(leader);
  }
}

void runFollower(Sockets& sockets, Table& table, uint32_t replica) {
  const Buffers buffers(MESSAGES_MAX);
  Train trains[MESSAGES_MAX];
  Socket* const heard[] = {&sockets.members[replica], &sockets.peers[replica]};
  for (;;) {
    awaitAny(heard, 2, FOREVER);
    for (Socket* const socket : heard) {
      const uint32_t count = socket->receive(buffers.from(0), trains, MESSAGES_MAX);
      if (count == 0) continue;
      Head ack{};
      // Acknowledged before it is applied: it is held, which is all that an acknowledgement says.
      const Train& newest = trains[count - 1];
      forEachDatagram(newest, [&](uint8_t* datagram, uint32_t) { ack.counter = headOf(datagram)->counter; });
      sockets.peers[replica].send(sockets.peers[0].place(), reinterpret_cast<uint8_t*>(&ack), sizeof ack, sizeof ack);
      for (uint32_t i = 0; i < count; ++i) {
        forEachDatagram(trains[i], [&](uint8_t* datagram, uint32_t) { table.apply(datagram); });
      }
    }
  }
}

namespace {

/** Answers of one request fill whole datagrams but for the last, so they leave as trains. */
void answerGets(Socket& socket, Table& table, const sockaddr_in& client, uint8_t* request, uint8_t* out) {
  constexpr uint32_t SEGMENT = bytesOf<Result>(RESULTS_MAX);
  constexpr uint32_t TRAIN = TRAIN_BYTES_MAX / SEGMENT * SEGMENT;
  const uint32_t count = headOf(request)->count;
  uint32_t filled = 0;
  for (uint32_t from = 0; from < count; from += RESULTS_MAX) {
    const uint32_t part = std::min(RESULTS_MAX, count - from);
    table.find(request, from, part, out + filled);
    filled += bytesOf<Result>(part);
    if (filled < TRAIN && from + part < count) continue;
    socket.send(client, out, filled, SEGMENT);
    filled = 0;
  }
}

}  // namespace

void runReader(Sockets& sockets, Table& table, uint32_t replica) {
  const Buffers buffers(MESSAGES_MAX + 1);
  Train trains[MESSAGES_MAX];
  Socket& socket = sockets.clients[replica];
  const Socket* const heard[] = {&socket};
  for (;;) {
    awaitAny(heard, 1, FOREVER);
    const uint32_t count = socket.receive(buffers.from(0), trains, MESSAGES_MAX);
    for (uint32_t i = 0; i < count; ++i) {
      forEachDatagram(trains[i], [&](uint8_t* datagram, uint32_t) {
        answerGets(socket, table, trains[i].from, datagram, *buffers.from(MESSAGES_MAX));
      });
    }
  }
}

}  // namespace limit

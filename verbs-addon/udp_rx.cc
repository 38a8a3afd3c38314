// Receiving with the UDP provider: recvmmsg into big buffers, rows that point into them, waiting.
#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "verbs-addon/udp_provider.h"
#include "verbs-addon/wake.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace endpoint {

namespace {

using Clock = std::chrono::steady_clock;

// Puts free buffers where the last recvmmsg took some. Returns how many messages may be received.
uint32_t prepare(UdpQueue& queue, uint8_t* base, uint32_t wanted) {
  RxMessages& messages = queue.messages;
  for (uint32_t message = 0; message < wanted; message++) {
    if (messages.buffer[message] != RxMessages::NO_BUFFER) continue;
    if (queue.free.empty()) return message;
    const uint32_t buffer = queue.free.back();
    queue.free.pop_back();
    messages.buffer[message] = buffer;
    messages.vectors[message] = iovec{base + queue.buffers[buffer].offset, RX_BUFFER_BYTES};
    msghdr& header = messages.headers[message].msg_hdr;
    header = msghdr{};
    header.msg_name = queue.buffers[buffer].source.get();
    header.msg_namelen = sizeof(sockaddr_storage);
    header.msg_iov = &messages.vectors[message];
    header.msg_iovlen = 1;
    header.msg_control = messages.control[message].data();
    header.msg_controllen = messages.control[message].size();
  }
  return wanted;
}

struct Told {
  uint32_t segment = 0;
  uint32_t drops = 0;
  bool hasDrops = false;
};

Told readControl(msghdr& header) {
  Told told;
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level == IPPROTO_UDP && each->cmsg_type == UDP_GRO) {
      std::memcpy(&told.segment, CMSG_DATA(each), sizeof(uint32_t));
    } else if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SO_RXQ_OVFL) {
      std::memcpy(&told.drops, CMSG_DATA(each), sizeof(uint32_t));
      told.hasDrops = true;
    }
  }
  return told;
}

}  // namespace

// Moves what the kernel has for one socket into `filled`.
void UdpProvider::receive(UdpQueue& queue, UdpSocket& socket) {
  const uint32_t wanted = std::min(queue.gate.room(), RX_MESSAGES_MAX);
  const uint32_t prepared = prepare(queue, layout_.base, wanted);
  if (prepared == 0) return;
  RxMessages& messages = queue.messages;
  counters_.add(Counter::rxCalls);
  counters_.add(Counter::systemCalls);
  const int got =
      recvmmsg(socket.descriptor.get(), messages.headers.data(), prepared, MSG_DONTWAIT, nullptr);
  for (int message = 0; message < got; message++) {
    const uint32_t index = static_cast<uint32_t>(message);
    msghdr& header = messages.headers[index].msg_hdr;
    const uint32_t buffer = messages.buffer[index];
    messages.buffer[index] = RxMessages::NO_BUFFER;
    const Told told = readControl(header);
    if (told.hasDrops) {
      counters_.add(Counter::droppedNoRoom,
                    told.drops - socket.dropsSeen);  // wraps as the kernel's count does
      socket.dropsSeen = told.drops;
    }
    RxBuffer& filled = queue.buffers[buffer];
    filled.length = messages.headers[index].msg_len;
    filled.segment = told.segment == 0 ? filled.length : told.segment;
    filled.cursor = 0;
    filled.source.bytes = header.msg_namelen;
    if (filled.length == 0 || (header.msg_flags & MSG_TRUNC) != 0) {
      counters_.add(Counter::droppedTruncated);
      queue.free.push_back(buffer);
    } else {
      queue.filled.push_back(buffer);
    }
  }
}

// Rows for what is filled, in order, until the rows are used up. A buffer with a rest stays for the
// next burst.
void UdpProvider::deliver(UdpQueue& queue) {
  size_t done = 0;
  for (; done < queue.filled.size() && queue.gate.hasRoom(); done++) {
    const uint32_t index = queue.filled[done];
    RxBuffer& buffer = queue.buffers[index];
    while (buffer.cursor < buffer.length && queue.gate.hasRoom()) {
      const uint32_t received = std::min(buffer.segment, buffer.length - buffer.cursor);
      queue.gate.admit(buffer.offset + buffer.cursor, received, index);
      buffer.cursor += received;
    }
    if (buffer.cursor < buffer.length) break;
    queue.lent.push_back(index);
  }
  queue.filled.erase(queue.filled.begin(),
                     queue.filled.begin() + static_cast<std::ptrdiff_t>(done));
}

int64_t UdpProvider::rxBurst(uint32_t index) {
  UdpQueue& queue = *queues_[index];
  if (queue.gate.count() > 0) return MISUSE_LENT;
  queue.gate.begin();
  deliver(queue);
  const size_t sockets = queue.sockets.size();
  for (size_t turn = 0; turn < sockets && queue.gate.hasRoom(); turn++) {
    receive(queue, queue.sockets[(queue.served + turn) % sockets]);
    deliver(queue);
  }
  queue.served++;
  queue.gate.end();
  const uint32_t count = queue.gate.count();
  if (count == 0) postReceives(index);
  return count;
}

void UdpProvider::postReceives(uint32_t index) {
  UdpQueue& queue = *queues_[index];
  queue.free.insert(queue.free.end(), queue.lent.rbegin(), queue.lent.rend());
  queue.lent.clear();
  queue.gate.begin();
}

// Which queues hold datagrams that were received and not delivered.
uint32_t UdpProvider::ready() {
  uint32_t bits = 0;
  for (uint32_t queue = 0; queue < queues_.size(); queue++) {
    if (!queues_[queue]->filled.empty()) bits |= 1u << queue;
  }
  return bits;
}

bool UdpProvider::arm() { return ready() != 0; }

uint32_t UdpProvider::wait(uint32_t micros, uint32_t spinMicros) {
  counters_.add(Counter::waitCalls);
  std::array<pollfd, QUEUES_MAX * 2 + 2> polled{};
  std::array<uint32_t, QUEUES_MAX * 2> queueOf{};
  nfds_t count = 0;
  for (uint32_t queue = 0; queue < queues_.size(); queue++) {
    for (const UdpSocket& socket : queues_[queue]->sockets) {
      polled[count] = pollfd{socket.descriptor.get(), POLLIN, 0};
      queueOf[count++] = queue;
    }
  }
  const nfds_t sockets = count;
  polled[count++] = pollfd{wake_, POLLIN, 0};  // the kernel passes over -1
  polled[count++] = pollfd{beside_, POLLIN, 0};
  const auto bitsNow = [&](const timespec& limit) {
    uint32_t bits = ready();
    const timespec now{};
    counters_.add(Counter::systemCalls);
    const int hits = ppoll(polled.data(), count, bits != 0 ? &now : &limit, nullptr);
    for (nfds_t each = 0; hits > 0 && each < sockets; each++) {
      if (polled[each].revents != 0) bits |= 1u << queueOf[each];
    }
    if (hits > 0 && polled[sockets].revents != 0) {
      counters_.add(Counter::systemCalls);
      if (takeWake(wake_)) bits |= WOKEN;
    }
    if (hits > 0 && polled[sockets + 1].revents != 0) bits |= BESIDE;
    return bits;
  };

  const auto start = Clock::now();
  const auto limit = std::chrono::microseconds(micros);
  const auto spin = std::min(std::chrono::microseconds(spinMicros), limit);
  auto passed = Clock::duration::zero();
  while (passed < spin) {
    if (const uint32_t bits = bitsNow(timespec{}); bits != 0) return bits;
    passed = Clock::now() - start;
  }
  if (passed > limit) return 0;
  if (passed < limit) counters_.add(Counter::waitBlocked);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(limit - passed).count();
  return bitsNow(timespec{rest / 1'000'000'000, rest % 1'000'000'000});
}

}  // namespace endpoint

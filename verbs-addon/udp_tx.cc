// Sending with the UDP provider: consecutive rows to one destination, of one length, are one
// message that the kernel cuts into datagrams (UDP_SEGMENT); many messages are one system call.
#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "verbs-addon/udp_provider.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace endpoint {

namespace {

using Clock = std::chrono::steady_clock;

// The device cannot segment: it lacks checksum offload, or the kernel is too old.
bool meansNoSegmentation(int error) {
  return error == EIO || error == EINVAL || error == EOPNOTSUPP;
}

// The socket's buffer drains at the speed of the network; a burst waits for it a little, in all.
bool awaitRoom(int descriptor, Clock::time_point limit, Counters& counters) {
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(limit - Clock::now());
  if (rest.count() <= 0) return false;
  pollfd polled{descriptor, POLLOUT, 0};
  const timespec time{0, rest.count()};
  counters.add(Counter::systemCalls);
  return ppoll(&polled, 1, &time, nullptr) > 0;
}

}  // namespace

// A message of one row.
void UdpProvider::start(uint32_t message, uint32_t row, const SocketAddress& place) {
  const TxRow& first = layout_.txRows()[row];
  tx_->firstRow[message] = row;
  tx_->rows[message] = 1;
  tx_->bytes[message] = first.length;
  tx_->vectors[message][0] = iovec{layout_.base + first.offset, first.length};
  msghdr& header = tx_->headers[message].msg_hdr;
  header.msg_name = const_cast<sockaddr*>(place.get());  // the kernel only reads it
  header.msg_namelen = place.bytes;
  header.msg_iov = tx_->vectors[message].data();
  header.msg_iovlen = 1;
  header.msg_control = nullptr;
  header.msg_controllen = 0;
  header.msg_flags = 0;
}

// Takes the row into the message when it continues the train: equal lengths, only the last may be
// shorter.
bool UdpProvider::extend(uint32_t message, const TxRow& row) {
  const TxRow* rows = layout_.txRows();
  const TxRow& first = rows[tx_->firstRow[message]];
  const TxRow& last = rows[tx_->firstRow[message] + tx_->rows[message] - 1];
  const uint32_t bytesMax =
      address_.family() == AF_INET6 ? TX_MESSAGE_BYTES_MAX_V6 : TX_MESSAGE_BYTES_MAX;
  if (row.destination != first.destination || last.length != first.length ||
      row.length > first.length)
    return false;
  if (tx_->rows[message] == TX_SEGMENTS_MAX || tx_->bytes[message] + row.length > bytesMax)
    return false;
  msghdr& header = tx_->headers[message].msg_hdr;
  iovec& vector = header.msg_iov[header.msg_iovlen - 1];
  uint8_t* at = layout_.base + row.offset;
  if (static_cast<uint8_t*>(vector.iov_base) + vector.iov_len == at) {
    vector.iov_len += row.length;
  } else {
    header.msg_iov[header.msg_iovlen++] = iovec{at, row.length};
  }
  tx_->rows[message]++;
  tx_->bytes[message] += row.length;
  return true;
}

void UdpProvider::finish(uint32_t message) {
  if (tx_->rows[message] == 1) return;
  msghdr& header = tx_->headers[message].msg_hdr;
  header.msg_control = tx_->control[message].data();
  header.msg_controllen = CMSG_SPACE(sizeof(uint16_t));
  cmsghdr* control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = IPPROTO_UDP;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  const uint16_t segment = static_cast<uint16_t>(layout_.txRows()[tx_->firstRow[message]].length);
  std::memcpy(CMSG_DATA(control), &segment, sizeof(segment));
}

// Seals and gathers rows [from, count) into at most TX_MESSAGES_MAX messages; `next` is the first
// row left. False when a row is not one: the caller broke the contract.
bool UdpProvider::build(uint32_t from, uint32_t count, uint32_t& messages, uint32_t& next) {
  const TxRow* rows = layout_.txRows();
  messages = 0;
  bool open = false;
  uint32_t row = from;
  for (; row < count; row++) {
    const TxRow& each = rows[row];
    if (!rowFits(each, layout_.bytes, settings_.datagramBytes)) return false;
    const SocketAddress* place = destinations_.find(each.destination);
    const bool joins = open && place != nullptr && segmentation_ && extend(messages - 1, each);
    if (place != nullptr && !joins && messages == TX_MESSAGES_MAX) break;
    if ((each.flags & TX_SEAL) != 0) {
      if (!seal(layout_.base + each.offset, each.length)) return false;
    }
    if (!joins && place != nullptr) start(messages++, row, *place);
    open = place != nullptr;  // a row to nowhere is not taken
  }
  next = row;
  for (uint32_t message = 0; message < messages; message++) finish(message);
  return true;
}

// Whether the first row of a refused train goes out by itself: then segmentation is what was
// refused.
bool UdpProvider::sendFirst(int descriptor, uint32_t message) {
  msghdr header = tx_->headers[message].msg_hdr;
  iovec vector{header.msg_iov->iov_base, layout_.txRows()[tx_->firstRow[message]].length};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = nullptr;
  header.msg_controllen = 0;
  counters_.add(Counter::txCalls);
  counters_.add(Counter::systemCalls);
  if (sendmsg(descriptor, &header, MSG_DONTWAIT) < 0) return false;
  countSent(1, static_cast<uint32_t>(vector.iov_len));
  return true;
}

void UdpProvider::countSent(uint32_t rows, uint32_t bytes) {
  counters_.add(Counter::txDatagrams, rows);
  counters_.add(Counter::txBytes, bytes);
}

// Sends the messages built. Returns rows taken; `resume` becomes the row to build from again when
// segmentation turned out not to work.
uint32_t UdpProvider::send(int descriptor, uint32_t messages, uint32_t& resume) {
  uint32_t taken = 0;
  Clock::time_point limit{};
  for (uint32_t message = 0; message < messages;) {
    counters_.add(Counter::txCalls);
    counters_.add(Counter::systemCalls);
    const int sent = sendmmsg(descriptor, &tx_->headers[message], messages - message, MSG_DONTWAIT);
    if (sent > 0) {
      for (const uint32_t end = message + static_cast<uint32_t>(sent); message < end; message++) {
        countSent(tx_->rows[message], tx_->bytes[message]);
        taken += tx_->rows[message];
      }
      continue;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN || error == ENOBUFS) {
      if (limit == Clock::time_point{}) {
        limit = Clock::now() + std::chrono::microseconds(TX_PATIENCE_MICROS);
      }
      if (awaitRoom(descriptor, limit, counters_)) continue;
      return taken;  // what is left of these messages is lost
    }
    const bool train = tx_->rows[message] > 1 && meansNoSegmentation(error);
    if (train && sendFirst(descriptor, message)) {
      segmentation_ = false;
      resume = tx_->firstRow[message] + 1;
      return taken + 1;
    }
    message++;  // no way to that destination; the others are tried
  }
  return taken;
}

int64_t UdpProvider::txBurst(uint32_t index, uint32_t count) {
  if (count > settings_.txRows) return MISUSE_ROW;
  const int descriptor = queues_[index]->sockets[0].descriptor.get();
  uint32_t taken = 0;
  uint32_t row = 0;
  while (row < count) {
    uint32_t messages = 0;
    if (!build(row, count, messages, row)) return MISUSE_ROW;
    taken += send(descriptor, messages, row);
  }
  counters_.add(Counter::txRefused, count - taken);
  return taken;
}

}  // namespace endpoint

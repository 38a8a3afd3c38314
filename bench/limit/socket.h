/**
 * UDP sockets as verbs-addon's UDP provider uses them: trains of datagrams in one system call, by segmentation offload
 * on the way out (UDP_SEGMENT) and by receive offload on the way in (UDP_GRO).
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>

namespace limit {

inline constexpr uint32_t TRAIN_BYTES_MAX = 65507;
inline constexpr uint32_t BUFFER_BYTES = 65536;
inline constexpr uint32_t MESSAGES_MAX = 32;  // of one recvmmsg

/** Datagrams that came together: all of `segment` bytes, but for the last. */
struct Train {
  uint8_t* at;
  uint32_t bytes;
  uint32_t segment;
  sockaddr_in from;
};

/** Calls `each(datagram, bytes)` for each datagram of a train. */
template <typename Each>
inline void forEachDatagram(const Train& train, Each each) {
  for (uint32_t at = 0; at < train.bytes; at += train.segment) {
    each(train.at + at, train.bytes - at < train.segment ? train.bytes - at : train.segment);
  }
}

class Socket {
 public:
  /** On loopback, at any free port. */
  void openUnicast();
  /** A member of the group. `port` 0: any free one, which others may share. */
  void openMember(in_addr group, uint16_t port);

  sockaddr_in place() const { return place_; }
  int descriptor() const { return descriptor_; }

  /** A train of datagrams of `segment` bytes, the last may be shorter. Waits for room. */
  void send(const sockaddr_in& to, const uint8_t* at, uint32_t bytes, uint32_t segment);
  /** Up to `count` trains into buffers of BUFFER_BYTES; never waits. */
  uint32_t receive(uint8_t* const* buffers, Train* trains, uint32_t count);

 private:
  void open();

  int descriptor_ = -1;
  sockaddr_in place_{};
  std::array<mmsghdr, MESSAGES_MAX> headers_{};
  std::array<iovec, MESSAGES_MAX> vectors_{};
  std::array<sockaddr_in, MESSAGES_MAX> sources_{};
  alignas(cmsghdr) std::array<std::array<uint8_t, 64>, MESSAGES_MAX> control_{};
};

/** Until one of them has something, or the time is over. */
void awaitAny(const Socket* const* sockets, uint32_t count, int millis);

}  // namespace limit

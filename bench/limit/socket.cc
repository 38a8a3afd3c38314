#include "bench/limit/socket.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <poll.h>

#include <cerrno>
#include <cstring>

#include "bench/native/measure.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace limit {

namespace {

constexpr int SOCKET_BYTES = 16 << 20;  // what a replica asks for
constexpr int SEND_PATIENCE_MILLIS = 1000;

bool set(int descriptor, int level, int option, int value) {
  return setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

[[noreturn]] void fail(const char* what) { bench::stop(std::string(what) + " failed: " + std::strerror(errno) + "."); }

}  // namespace

void Socket::open() {
  descriptor_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) fail("socket");
  if (!set(descriptor_, IPPROTO_UDP, UDP_GRO, 1)) fail("UDP_GRO");
  for (const auto& [forced, plain] : {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, std::pair{SO_SNDBUFFORCE, SO_SNDBUF}}) {
    // Nothing is sent again here, so the buffers must hold all that is outstanding.
    if (!set(descriptor_, SOL_SOCKET, forced, SOCKET_BYTES / 2)) set(descriptor_, SOL_SOCKET, plain, SOCKET_BYTES / 2);
  }
}

void Socket::openUnicast() {
  open();
  place_ = {};
  place_.sin_family = AF_INET;
  place_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof place_;
  if (bind(descriptor_, reinterpret_cast<sockaddr*>(&place_), bytes) != 0) fail("bind");
  if (getsockname(descriptor_, reinterpret_cast<sockaddr*>(&place_), &bytes) != 0) fail("getsockname");
  ip_mreqn through{};
  through.imr_address = place_.sin_addr;
  if (setsockopt(descriptor_, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof through) != 0) fail("IP_MULTICAST_IF");
}

void Socket::openMember(in_addr group, uint16_t port) {
  open();
  if (!set(descriptor_, SOL_SOCKET, SO_REUSEADDR, 1)) fail("SO_REUSEADDR");
  place_ = {};
  place_.sin_family = AF_INET;
  place_.sin_port = htons(port);
  socklen_t bytes = sizeof place_;
  if (bind(descriptor_, reinterpret_cast<sockaddr*>(&place_), bytes) != 0) fail("bind");
  if (getsockname(descriptor_, reinterpret_cast<sockaddr*>(&place_), &bytes) != 0) fail("getsockname");
  place_.sin_addr = group;
  ip_mreqn request{};
  request.imr_multiaddr = group;
  request.imr_address.s_addr = htonl(INADDR_LOOPBACK);
  if (setsockopt(descriptor_, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) != 0) fail("IP_ADD_MEMBERSHIP");
}

void Socket::send(const sockaddr_in& to, const uint8_t* at, uint32_t bytes, uint32_t segment) {
  iovec vector{const_cast<uint8_t*>(at), bytes};  // the kernel only reads it
  alignas(cmsghdr) std::array<uint8_t, CMSG_SPACE(sizeof(uint16_t))> control{};
  msghdr header{};
  header.msg_name = const_cast<sockaddr_in*>(&to);
  header.msg_namelen = sizeof to;
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  if (bytes > segment) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* const each = CMSG_FIRSTHDR(&header);
    each->cmsg_level = IPPROTO_UDP;
    each->cmsg_type = UDP_SEGMENT;
    each->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    const auto cut = static_cast<uint16_t>(segment);
    std::memcpy(CMSG_DATA(each), &cut, sizeof cut);
  }
  while (sendmsg(descriptor_, &header, MSG_DONTWAIT) < 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != ENOBUFS) fail("sendmsg");
    pollfd room{descriptor_, POLLOUT, 0};
    if (poll(&room, 1, SEND_PATIENCE_MILLIS) <= 0) fail("sendmsg: no room in the socket; it");
  }
}

uint32_t Socket::receive(uint8_t* const* buffers, Train* trains, uint32_t count) {
  const uint32_t wanted = count < MESSAGES_MAX ? count : MESSAGES_MAX;
  for (uint32_t i = 0; i < wanted; ++i) {
    vectors_[i] = {buffers[i], BUFFER_BYTES};
    msghdr& header = headers_[i].msg_hdr;
    header = {};
    header.msg_name = &sources_[i];
    header.msg_namelen = sizeof sources_[i];
    header.msg_iov = &vectors_[i];
    header.msg_iovlen = 1;
    header.msg_control = control_[i].data();
    header.msg_controllen = control_[i].size();
  }
  const int got = recvmmsg(descriptor_, headers_.data(), wanted, MSG_DONTWAIT, nullptr);
  if (got < 0 && errno != EAGAIN && errno != EINTR) fail("recvmmsg");
  for (int i = 0; i < got; ++i) {
    const auto index = static_cast<uint32_t>(i);
    msghdr& header = headers_[index].msg_hdr;
    const uint32_t bytes = headers_[index].msg_len;
    uint32_t segment = bytes;
    for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
      if (each->cmsg_level == IPPROTO_UDP && each->cmsg_type == UDP_GRO) {
        std::memcpy(&segment, CMSG_DATA(each), sizeof segment);
      }
    }
    trains[index] = {buffers[index], bytes, segment, sources_[index]};
  }
  return got < 0 ? 0 : static_cast<uint32_t>(got);
}

void awaitAny(const Socket* const* sockets, uint32_t count, int millis) {
  std::array<pollfd, 4> polled{};
  for (uint32_t i = 0; i < count; ++i) polled[i] = {sockets[i]->descriptor(), POLLIN, 0};
  poll(polled.data(), count, millis);
}

}  // namespace limit

#include "verbs-addon/probe.h"

#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "verbs-addon/udp_provider.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace endpoint {

namespace {

using Clock = std::chrono::steady_clock;

constexpr uint16_t ECHO_PORT = 0;  // the kernel's choice: nobody else's traffic
constexpr int PROBE_BYTES = 4;

bool set(int descriptor, int level, int option, int value) {
  return setsockopt(descriptor, level, option, &value, sizeof(value)) == 0;
}

uint32_t get(int descriptor, int option) {
  int value = 0;
  socklen_t bytes = sizeof(value);
  getsockopt(descriptor, SOL_SOCKET, option, &value, &bytes);
  return static_cast<uint32_t>(value);
}

// One socket that joins the group and sends to it.
bool openEcho(const SocketAddress& address, SocketAddress& group, const Interface& device,
              Descriptor& made, Failure& failure) {
  const bool six = address.family() == AF_INET6;
  made = Descriptor(socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int descriptor = made.get();
  if (descriptor < 0) return failCall(failure, "socket", errno, "the kernel gives no UDP socket");
  SocketAddress any;
  if (!parseAddress(six ? "::" : "0.0.0.0", ECHO_PORT, any, failure)) return false;
  if (bind(descriptor, any.get(), any.bytes) != 0)
    return failCall(failure, "bind", errno, "no port for a probe");
  if (getsockname(descriptor, any.get(), &any.bytes) != 0)
    return failCall(failure, "getsockname", errno, "no port");
  group.setPort(any.port());
  ip_mreqn four{};
  four.imr_ifindex = static_cast<int>(device.index);
  const bool aimed =
      six ? set(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(device.index))
          : setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &four, sizeof(four)) == 0;
  group_req request{};
  request.gr_interface = device.index;
  request.gr_group = group.storage;
  if (!aimed || setsockopt(descriptor, six ? IPPROTO_IPV6 : IPPROTO_IP, MCAST_JOIN_GROUP, &request,
                           sizeof(request))) {
    return failCall(failure, "setsockopt", errno,
                    "cannot join " + group.text() + " on " + device.name);
  }
  return true;
}

}  // namespace

UdpAbilities udpAbilities(uint32_t wantedBytes) {
  UdpAbilities abilities;
  const Descriptor probe(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!probe.valid()) return abilities;
  const int half = static_cast<int>(wantedBytes / 2);
  abilities.segmentation = set(probe.get(), IPPROTO_UDP, UDP_SEGMENT, 1472);
  abilities.coalescing = set(probe.get(), IPPROTO_UDP, UDP_GRO, 1);
  abilities.privileged = set(probe.get(), SOL_SOCKET, SO_RCVBUFFORCE, half);
  if (!abilities.privileged) set(probe.get(), SOL_SOCKET, SO_RCVBUF, half);
  if (!set(probe.get(), SOL_SOCKET, SO_SNDBUFFORCE, half))
    set(probe.get(), SOL_SOCKET, SO_SNDBUF, half);
  abilities.receiveBytes = get(probe.get(), SO_RCVBUF);
  abilities.sendBytes = get(probe.get(), SO_SNDBUF);
  return abilities;
}

int64_t multicastEcho(const std::string& text, const std::string& groupText,
                      uint32_t patienceMillis, Failure& failure) {
  SocketAddress address;
  SocketAddress group;
  Interface device;
  Descriptor echo;
  if (!parseAddress(text, 0, address, failure) || !parseAddress(groupText, 0, group, failure))
    return -1;
  if (!interfaceOf(address, device, failure)) return -1;
  if (!openEcho(address, group, device, echo, failure)) return -1;
  const auto start = Clock::now();
  const uint32_t token = static_cast<uint32_t>(start.time_since_epoch().count());
  if (sendto(echo.get(), &token, PROBE_BYTES, 0, group.get(), group.bytes) != PROBE_BYTES) {
    failCall(failure, "sendto", errno,
             "cannot send to " + groupText + ": add a multicast route on " + device.name);
    return -1;
  }
  const auto limit = std::chrono::milliseconds(patienceMillis);
  pollfd polled{echo.get(), POLLIN, 0};
  for (auto took = Clock::duration::zero(); took < limit; took = Clock::now() - start) {
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(limit - took).count();
    uint32_t heard = 0;
    if (poll(&polled, 1, static_cast<int>(rest)) <= 0) continue;
    if (recv(echo.get(), &heard, PROBE_BYTES, MSG_DONTWAIT) != PROBE_BYTES || heard != token)
      continue;
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
  }
  fail(failure, "DEVICE",
       "no echo from " + groupText + " on " + device.name + ": is multicast filtered there?");
  return -1;
}

int64_t udpDatagramBytes(const std::string& text, Failure& failure) {
  SocketAddress address;
  Interface device;
  if (!parseAddress(text, 0, address, failure) || !interfaceOf(address, device, failure)) return -1;
  return datagramBytesOf(device, address.family());
}

}  // namespace endpoint

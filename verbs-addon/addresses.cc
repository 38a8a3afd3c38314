#include "verbs-addon/addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "machine/wire.h"

namespace endpoint {

namespace {

const sockaddr_in& v4(const sockaddr* address) {
  return *reinterpret_cast<const sockaddr_in*>(address);
}
const sockaddr_in6& v6(const sockaddr* address) {
  return *reinterpret_cast<const sockaddr_in6*>(address);
}

bool sameHost(const sockaddr* one, const sockaddr* other) {
  if (one->sa_family != other->sa_family) return false;
  if (one->sa_family == AF_INET) return v4(one).sin_addr.s_addr == v4(other).sin_addr.s_addr;
  if (one->sa_family != AF_INET6) return false;
  return std::memcmp(&v6(one).sin6_addr, &v6(other).sin6_addr, sizeof(in6_addr)) == 0;
}

// All of 127/8 belongs to this machine although the interface lists only one address of it.
bool sameLoopbackNet(const sockaddr* one, const sockaddr* other) {
  if (one->sa_family != AF_INET || other->sa_family != AF_INET) return false;
  const auto first = [](const sockaddr* address) {
    return ntohl(v4(address).sin_addr.s_addr) >> 24;
  };
  return first(one) == 127 && first(other) == 127;
}

uint32_t mtuOf(const std::string& name) {
  const int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return 0;
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  const int failed = ioctl(probe, SIOCGIFMTU, &request);
  close(probe);
  return failed ? 0 : static_cast<uint32_t>(request.ifr_mtu);
}

}  // namespace

uint16_t SocketAddress::port() const {
  return ntohs(family() == AF_INET6 ? v6(get()).sin6_port : v4(get()).sin_port);
}

void SocketAddress::setPort(uint16_t port) {
  if (family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
  }
}

bool SocketAddress::isMulticast() const {
  if (family() == AF_INET6) return v6(get()).sin6_addr.s6_addr[0] == 0xff;
  return IN_MULTICAST(ntohl(v4(get()).sin_addr.s_addr));
}

std::string SocketAddress::text() const {
  char host[NI_MAXHOST] = "";
  getnameinfo(get(), bytes, host, sizeof(host), nullptr, 0, NI_NUMERICHOST);
  return host;
}

std::string SocketAddress::key() const {
  std::string key(1, static_cast<char>(family()));
  const auto append = [&key](const void* from, size_t count) {
    key.append(static_cast<const char*>(from), count);
  };
  if (family() == AF_INET6) {
    append(&v6(get()).sin6_addr, sizeof(in6_addr));
    append(&v6(get()).sin6_port, sizeof(in_port_t));
    append(&v6(get()).sin6_scope_id, sizeof(uint32_t));
  } else {
    append(&v4(get()).sin_addr, sizeof(in_addr));
    append(&v4(get()).sin_port, sizeof(in_port_t));
  }
  return key;
}

bool parseAddress(const std::string& text, uint16_t port, SocketAddress& address,
                  Failure& failure) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(text.c_str(), nullptr, &hints, &found) != 0 || found == nullptr) {
    return fail(failure, "BAD_ARGUMENT",
                "'" + text + "' is not an IPv4 or IPv6 address; names are not looked up");
  }
  address = SocketAddress{};
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.bytes = found->ai_addrlen;
  address.setPort(port);
  freeaddrinfo(found);
  return true;
}

bool interfaceOf(const SocketAddress& address, Interface& found, Failure& failure) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) {
    return failCall(failure, "getifaddrs", errno, "the kernel does not list its interfaces");
  }
  bool hit = false;
  for (const ifaddrs* each = all; each != nullptr && !hit; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    const bool loopback = (each->ifa_flags & IFF_LOOPBACK) != 0;
    hit = sameHost(each->ifa_addr, address.get()) ||
          (loopback && sameLoopbackNet(each->ifa_addr, address.get()));
    if (hit)
      found = Interface{each->ifa_name, if_nametoindex(each->ifa_name), mtuOf(each->ifa_name),
                        loopback};
  }
  freeifaddrs(all);
  if (hit) return true;
  return fail(
      failure, "NOT_MY_ADDRESS",
      "no interface of this machine has the address " + address.text() + ": see 'ip address'");
}

uint32_t datagramBytesOf(const Interface& device, int family) {
  const uint32_t headers = family == AF_INET6 ? 48 : 28;  // IP and UDP
  const uint32_t payload = device.mtuBytes > headers ? device.mtuBytes - headers : 0;
  return std::min(payload / wire::DATAGRAM_ALIGN * wire::DATAGRAM_ALIGN, wire::DATAGRAM_BYTES_MAX);
}

}  // namespace endpoint

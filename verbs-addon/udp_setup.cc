// Setup of the UDP provider: sockets, groups, destinations. Nothing here runs per datagram.
#include <netinet/udp.h>
#include <unistd.h>

#include <algorithm>

#include "verbs-addon/beats.h"
#include "verbs-addon/udp_provider.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

namespace endpoint {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (valid()) close(value_);
    value_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (valid()) close(value_);
}

namespace {

bool set(int descriptor, int level, int option, int value) {
  return setsockopt(descriptor, level, option, &value, sizeof(value)) == 0;
}

int get(int descriptor, int level, int option) {
  int value = 0;
  socklen_t bytes = sizeof(value);
  return getsockopt(descriptor, level, option, &value, &bytes) == 0 ? value : 0;
}

// As large as wanted with privileges, as large as the system's limit without.
void sizeBuffers(int descriptor, uint32_t wanted) {
  const int half = static_cast<int>(wanted / 2);  // the kernel doubles it, for its own overhead
  if (!set(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, half))
    set(descriptor, SOL_SOCKET, SO_RCVBUF, half);
  if (!set(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, half))
    set(descriptor, SOL_SOCKET, SO_SNDBUF, half);
}

// What every socket has: no fragments, trains of datagrams in one piece, a count of what found no
// room.
bool makeSocket(int family, uint32_t socketBytes, Descriptor& made, Failure& failure) {
  made = Descriptor(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made.valid()) return failCall(failure, "socket", errno, "the kernel gives no UDP socket");
  const int descriptor = made.get();
  const bool whole = family == AF_INET6
                         ? set(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO) &&
                               set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1)
                         : set(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
  if (!whole) return failCall(failure, "setsockopt", errno, "the kernel cannot forbid fragments");
  set(descriptor, IPPROTO_UDP, UDP_GRO,
      1);  // without it every datagram comes alone: slower, still right
  set(descriptor, SOL_SOCKET, SO_RXQ_OVFL, 1);
  sizeBuffers(descriptor, socketBytes);
  return true;
}

// Multicast leaves by this interface, stays on this network, and reaches other processes of this
// machine.
bool aimMulticast(int descriptor, int family, const Interface& device, Failure& failure) {
  bool aimed = false;
  if (family == AF_INET6) {
    aimed = set(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(device.index)) &&
            set(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) &&
            set(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
  } else {
    ip_mreqn request{};
    request.imr_ifindex = static_cast<int>(device.index);
    aimed = setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request)) == 0 &&
            set(descriptor, IPPROTO_IP, IP_MULTICAST_LOOP, 1) &&
            set(descriptor, IPPROTO_IP, IP_MULTICAST_TTL, 1);
  }
  return aimed ||
         failCall(failure, "setsockopt", errno, "multicast cannot be sent through " + device.name);
}

std::string place(const SocketAddress& address) {
  return address.text() + " port " + std::to_string(address.port());
}

bool bindTo(int descriptor, const SocketAddress& address, Failure& failure) {
  if (bind(descriptor, address.get(), address.bytes) == 0) return true;
  const int error = errno;
  const char* advice = "cannot be bound";
  if (error == EADDRINUSE)
    advice = "is held by another process: choose another port or stop that process";
  if (error == EADDRNOTAVAIL) advice = "is not an address of this machine: see 'ip address'";
  if (error == EACCES) advice = "needs privileges: choose a port from 1024 on";
  return failCall(failure, "bind", error, place(address) + " " + advice);
}

}  // namespace

bool UdpProvider::open(Failure& failure) {
  if (!parseAddress(settings_.address, 0, address_, failure)) return false;
  if (!interfaceOf(address_, interface_, failure)) return false;
  for (uint32_t queue = 0; queue < settings_.queues.size(); queue++) {
    if (!openQueue(queue, failure)) return false;
  }
  return true;
}

bool UdpProvider::openQueue(uint32_t index, Failure& failure) {
  const QueueSettings& settings = settings_.queues[index];
  const Fault fault(settings_.dropRatio, settings_.dropSeed, index);
  auto queue = std::make_unique<UdpQueue>(
      RxGate(layout_.base, layout_.rxRows(index), settings.rxSlots, settings_.datagramBytes,
             settings_.cluster, counters_, fault));
  const uint32_t buffers = udpRxBuffers(settings.rxSlots);
  queue->buffers.resize(buffers);
  for (uint32_t buffer = buffers; buffer-- > 0;) {
    queue->buffers[buffer].offset =
        layout_.queues[index].rxOffset + uint64_t{buffer} * RX_BUFFER_BYTES;
    queue->free.push_back(buffer);
  }
  queue->filled.reserve(buffers);
  queue->lent.reserve(buffers);
  queue->messages.buffer.fill(RxMessages::NO_BUFFER);
  if (!openUnicast(*queue, settings, failure)) return false;
  if (!settings.groups.empty() && !openMulticast(*queue, settings, failure)) return false;
  queues_.push_back(std::move(queue));
  return true;
}

bool UdpProvider::openUnicast(UdpQueue& queue, const QueueSettings& settings, Failure& failure) {
  UdpSocket unicast;
  if (!makeSocket(address_.family(), settings.socketBytes, unicast.descriptor, failure))
    return false;
  const int descriptor = unicast.descriptor.get();
  if (!aimMulticast(descriptor, address_.family(), interface_, failure)) return false;
  queue.bound = address_;
  queue.bound.setPort(settings.port);
  if (!bindTo(descriptor, queue.bound, failure)) return false;
  queue.bound.bytes = sizeof(queue.bound.storage);
  if (getsockname(descriptor, queue.bound.get(), &queue.bound.bytes) != 0) {
    return failCall(failure, "getsockname", errno, "the kernel does not tell the socket's port");
  }
  queue.rxBytes = static_cast<uint32_t>(get(descriptor, SOL_SOCKET, SO_RCVBUF));
  queue.sockets.push_back(std::move(unicast));
  return true;
}

bool UdpProvider::openMulticast(UdpQueue& queue, const QueueSettings& settings, Failure& failure) {
  UdpSocket multicast;
  const int family = address_.family();
  if (!makeSocket(family, settings.socketBytes, multicast.descriptor, failure)) return false;
  const int descriptor = multicast.descriptor.get();
  // Replicas of one machine share the group's port, and each hears only the groups that it joined.
  const bool shared = set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) &&
                      (family == AF_INET6 ? set(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0)
                                          : set(descriptor, IPPROTO_IP, IP_MULTICAST_ALL, 0));
  if (!shared)
    return failCall(failure, "setsockopt", errno, "the kernel cannot share a multicast port");
  SocketAddress any;
  if (!parseAddress(family == AF_INET6 ? "::" : "0.0.0.0", settings.groupPort, any, failure))
    return false;
  if (!bindTo(descriptor, any, failure)) return false;
  for (const std::string& group : settings.groups) {
    if (!joinGroup(descriptor, group, failure)) return false;
  }
  queue.rxBytes =
      std::min(queue.rxBytes, static_cast<uint32_t>(get(descriptor, SOL_SOCKET, SO_RCVBUF)));
  queue.sockets.push_back(std::move(multicast));
  return true;
}

bool UdpProvider::joinGroup(int descriptor, const std::string& group, Failure& failure) {
  SocketAddress address;
  if (!parseAddress(group, 0, address, failure)) return false;
  if (!address.isMulticast() || address.family() != address_.family()) {
    return fail(failure, "BAD_ARGUMENT",
                group + " is not a multicast group of the family of " + address_.text());
  }
  group_req request{};
  request.gr_interface = interface_.index;
  request.gr_group = address.storage;
  const int level = address.family() == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
  if (setsockopt(descriptor, level, MCAST_JOIN_GROUP, &request, sizeof(request)) == 0) return true;
  const int error = errno;
  const char* advice = error == ENOBUFS ? ": raise net.ipv4.igmp_max_memberships" : "";
  failCall(failure, "setsockopt", error,
           "cannot join " + group + " on " + interface_.name + advice);
  failure.code = "DEVICE";
  return false;
}

bool UdpProvider::local(uint32_t queue, QueueAddress& address, Failure&) {
  address = QueueAddress{};
  address.provider = "udp";
  address.address = address_.text();
  address.port = queues_[queue]->bound.port();
  address.mtuBytes = datagramBytesOf(interface_, address_.family());
  return true;
}

bool UdpProvider::checkDestination(const SocketAddress& address, Failure& failure) const {
  if (address.family() != address_.family()) {
    return fail(failure, "BAD_ARGUMENT",
                address.text() + " is not of the address family of " + address_.text());
  }
  if (address.port() == 0)
    return fail(failure, "BAD_ARGUMENT", "a destination has a port from 1 to 65535");
  return true;
}

int64_t UdpProvider::remember(const SocketAddress& address) {
  const std::string key = address.key();
  const int64_t known = destinations_.reuse(key);
  return known >= 0 ? known : destinations_.add(key, address);
}

int64_t UdpProvider::addDestination(const QueueAddress& address, Failure& failure) {
  if (address.provider != "udp") {
    fail(failure, "BAD_ARGUMENT",
         "a UDP endpoint cannot reach a queue of the provider " + address.provider);
    return -1;
  }
  SocketAddress place;
  if (!parseAddress(address.address, static_cast<uint16_t>(address.port), place, failure))
    return -1;
  if (!checkDestination(place, failure)) return -1;
  if (place.isMulticast()) {
    fail(failure, "BAD_ARGUMENT",
         place.text() + " is a multicast group: addGroup makes its destination");
    return -1;
  }
  return remember(place);
}

int64_t UdpProvider::addGroup(const std::string& group, uint16_t port, Failure& failure) {
  SocketAddress place;
  if (!parseAddress(group, port, place, failure) || !checkDestination(place, failure)) return -1;
  if (!place.isMulticast()) {
    fail(failure, "BAD_ARGUMENT", group + " is not a multicast group");
    return -1;
  }
  if (place.family() == AF_INET6)
    reinterpret_cast<sockaddr_in6*>(place.get())->sin6_scope_id = interface_.index;
  return remember(place);
}

int64_t UdpProvider::adoptSource(uint32_t index, uint32_t row, Failure& failure) {
  const UdpQueue& queue = *queues_[index];
  const uint32_t source = row < queue.gate.count() ? queue.gate.row(row).source : ~0u;
  if (source >= queue.buffers.size()) {
    fail(failure, "BAD_ARGUMENT", "adoptSource takes a row of the last burst, before postReceives");
    return -1;
  }
  return remember(queue.buffers[source].source);
}

bool UdpProvider::removeDestination(uint32_t destination) {
  bool known = false;
  const bool last = destinations_.remove(destination, known).has_value();
  if (last && beats_ != nullptr) beats_->forget(destination);
  return known;
}

std::vector<int> UdpProvider::watchDescriptors() const {
  std::vector<int> descriptors;
  for (const auto& queue : queues_) {
    for (const UdpSocket& socket : queue->sockets) descriptors.push_back(socket.descriptor.get());
  }
  return descriptors;
}

std::unique_ptr<Provider> openUdp(const Settings& settings, const Layout& layout, Counters counters,
                                  Failure& failure) {
  auto provider = std::make_unique<UdpProvider>(settings, layout, counters);
  if (!provider->open(failure)) return nullptr;
  return provider;
}

uint64_t udpRxBytes(const Settings&, const QueueSettings& queue) {
  return uint64_t{udpRxBuffers(queue.rxSlots)} * RX_BUFFER_BYTES;
}

}  // namespace endpoint

/**
 * The sockets of loads that speak a server's protocol themselves: dialling, sending what fits now and the rest when
 * there is room, receiving, and one epoll set for all connections. What goes wrong ends the load with a sentence.
 */
#pragma once

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "bench/native/measure.h"

namespace bench {

/** All connections to a server. */
struct Watch {
  const char* server;  // as sentences name it
  int silenceMillisMax;
  int set = epoll_create1(EPOLL_CLOEXEC);
};

/** A connection's socket, and what is still to be sent over it. */
struct Wire {
  void* owner = nullptr;  // what awaitEvents hands on
  int descriptor = -1;
  std::string out{};
  bool wantsRoom = false;
};

inline void dial(const Watch& watch, Wire& wire, const Place& place, void* owner) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(place.host.c_str(), place.port.c_str(), &hints, &found) != 0) {
    stop("No address for " + place.host + ".");
  }
  wire.owner = owner;
  wire.descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (wire.descriptor < 0 || connect(wire.descriptor, found->ai_addr, found->ai_addrlen) != 0) {
    stop("No connection to " + place.host + ":" + place.port + ": is " + watch.server + " running?");
  }
  freeaddrinfo(found);
  const int on = 1;
  setsockopt(wire.descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(wire.descriptor, F_SETFL, O_NONBLOCK);
  epoll_event event{EPOLLIN, {owner}};
  epoll_ctl(watch.set, EPOLL_CTL_ADD, wire.descriptor, &event);
}

[[noreturn]] inline void stopBroken(const Watch& watch) {
  stop(std::string(watch.server) + "'s connection broke: " + std::strerror(errno) + ".");
}

/** As much of `out` as fits. What does not is watched for: the owner calls again when it hears of room. */
inline void sendOut(const Watch& watch, Wire& wire) {
  size_t sent = 0;
  while (sent < wire.out.size()) {
    const ssize_t took = send(wire.descriptor, wire.out.data() + sent, wire.out.size() - sent, MSG_NOSIGNAL);
    if (took < 0 && errno == EAGAIN) break;
    if (took < 0 && errno != EINTR) stopBroken(watch);
    if (took > 0) sent += static_cast<size_t>(took);
  }
  wire.out.erase(0, sent);
  if (wire.wantsRoom == !wire.out.empty()) return;
  wire.wantsRoom = !wire.out.empty();
  epoll_event event{wire.wantsRoom ? uint32_t{EPOLLIN | EPOLLOUT} : uint32_t{EPOLLIN}, {wire.owner}};
  epoll_ctl(watch.set, EPOLL_CTL_MOD, wire.descriptor, &event);
}

/** Bytes received; 0 when there are none yet. */
inline size_t receive(const Watch& watch, const Wire& wire, void* room, size_t bytes) {
  const ssize_t got = recv(wire.descriptor, room, bytes, 0);
  if (got > 0) return static_cast<size_t>(got);
  if (got == 0) stop(std::string(watch.server) + " closed a connection.");
  if (errno != EAGAIN && errno != EINTR) stopBroken(watch);
  return 0;
}

/** Waits, and calls `each(owner, events)` for each connection that something happened to. */
template <typename Each>
void awaitEvents(const Watch& watch, Each each) {
  epoll_event events[64];
  const int count = epoll_wait(watch.set, events, 64, watch.silenceMillisMax);
  if (count == 0) stop(std::string(watch.server) + " does not answer any more.");
  for (int i = 0; i < count; ++i) each(events[i].data.ptr, events[i].events);
}

}  // namespace bench

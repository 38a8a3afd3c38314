// IP addresses, and the interfaces of this machine that carry them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "verbs-addon/failure.h"

namespace endpoint {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;

  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  uint16_t port() const;
  void setPort(uint16_t port);
  bool isMulticast() const;
  std::string text() const;  // the address without the port
  std::string key() const;   // equal addresses have equal keys
};

struct Interface {
  std::string name;
  uint32_t index = 0;
  uint32_t mtuBytes = 0;
  bool loopback = false;
};

// A numeric IPv4 or IPv6 address; no name is looked up.
bool parseAddress(const std::string& text, uint16_t port, SocketAddress& address, Failure& failure);
// The interface that carries this address. NOT_MY_ADDRESS when none does.
bool interfaceOf(const SocketAddress& address, Interface& found, Failure& failure);
// Largest UDP payload that passes the interface in one piece, in whole lines.
uint32_t datagramBytesOf(const Interface& device, int family);

}  // namespace endpoint

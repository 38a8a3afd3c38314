// Facts about this machine for `zabkv doctor`: plain data, judged in src/transport/probe.ts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "verbs-addon/failure.h"

namespace endpoint {

struct RdmaGid {
  uint32_t index = 0;
  std::string gid;   // 32 hexadecimal digits
  std::string type;  // "IB", "RoCE v1", "RoCE v2"
};

struct RdmaPort {
  std::string device;
  uint32_t port = 0;
  std::string state;      // "ACTIVE", "DOWN", ...
  std::string linkLayer;  // "InfiniBand", "Ethernet"
  uint32_t mtuBytes = 0;
  uint32_t lid = 0;
  uint32_t qpsMax = 0;
  std::string interface;  // the network interface it stands on, when there is one
  std::vector<RdmaGid> gids;
};

// What a pair of sockets on this machine was able to do.
struct UdpAbilities {
  bool segmentation = false;  // UDP_SEGMENT
  bool coalescing = false;    // UDP_GRO
  uint32_t receiveBytes = 0;  // obtained of what was asked for
  uint32_t sendBytes = 0;
  bool privileged = false;  // SO_RCVBUFFORCE works
};

bool verbsBuilt();
std::vector<RdmaPort> rdmaPorts();
UdpAbilities udpAbilities(uint32_t wantedBytes);
// Joins a group on the interface of the address, sends to it and waits for the echo. Micros it
// took; -1 when none came.
int64_t multicastEcho(const std::string& address, const std::string& group, uint32_t patienceMillis,
                      Failure& failure);

// Largest datagram for the provider on the interface of the address, a multiple of 64; -1 and a
// failure.
int64_t udpDatagramBytes(const std::string& address, Failure& failure);
int64_t verbsDatagramBytes(const std::string& address, const std::string& device, Failure& failure);

}  // namespace endpoint

// The RDMA device behind an address: found through rdma_cm, which knows interfaces; its port, MTU
// and GID.
#include <arpa/inet.h>
#include <net/if.h>

#include <cstring>

#include "verbs-addon/probe.h"
#include "verbs-addon/verbs_provider.h"

namespace endpoint {

namespace {

constexpr uint32_t GIDS_MAX = 256;

const char* gidTypeName(uint32_t type) {
  if (type == IBV_GID_TYPE_ROCE_V2) return "RoCE v2";
  return type == IBV_GID_TYPE_ROCE_V1 ? "RoCE v1" : "IB";
}

std::vector<ibv_gid_entry> gidsOf(ibv_context* context) {
  std::vector<ibv_gid_entry> entries(GIDS_MAX);
  const ssize_t count = ibv_query_gid_table(context, entries.data(), entries.size(), 0);
  entries.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return entries;
}

ibv_gid gidOf(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    return gidFromIpv4(reinterpret_cast<const uint8_t*>(
        &reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr));
  }
  ibv_gid gid;
  std::memcpy(gid.raw, &reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr,
              sizeof(gid.raw));
  return gid;
}

// How well a GID serves: the address itself over RoCE v2 best. InfiniBand uses the first one of the
// port.
int fitness(const ibv_gid_entry& entry, const ibv_gid& own, bool ethernet) {
  if (!ethernet) return entry.gid_index == 0 ? 1 : 0;
  const bool same = std::memcmp(&entry.gid, &own, sizeof(own)) == 0;
  const bool second = entry.gid_type == IBV_GID_TYPE_ROCE_V2;
  return (second ? 4 : 0) + (same ? 2 : 0) + (gidIsIpv4(entry.gid) ? 1 : 0);
}

const char* stateName(ibv_port_state state) {
  switch (state) {
    case IBV_PORT_ACTIVE: return "ACTIVE";
    case IBV_PORT_DOWN: return "DOWN";
    case IBV_PORT_INIT: return "INIT";
    case IBV_PORT_ARMED: return "ARMED";
    default: return "UNKNOWN";
  }
}

RdmaPort describe(ibv_context* context, const ibv_device_attr& device, uint8_t number) {
  RdmaPort port;
  ibv_port_attr attributes{};
  ibv_query_port(context, number, &attributes);
  port.device = ibv_get_device_name(context->device);
  port.port = number;
  port.state = stateName(attributes.state);
  port.linkLayer = attributes.link_layer == IBV_LINK_LAYER_ETHERNET ? "Ethernet" : "InfiniBand";
  port.mtuBytes = mtuBytes(attributes.active_mtu);
  port.lid = attributes.lid;
  port.qpsMax = static_cast<uint32_t>(device.max_qp);
  for (const ibv_gid_entry& entry : gidsOf(context)) {
    if (entry.port_num != number) continue;
    port.gids.push_back(RdmaGid{entry.gid_index, gidText(entry.gid), gidTypeName(entry.gid_type)});
    char name[IF_NAMESIZE];
    if (port.interface.empty() && entry.ndev_ifindex != 0 &&
        if_indextoname(entry.ndev_ifindex, name) != nullptr) {
      port.interface = name;
    }
  }
  return port;
}

}  // namespace

std::string gidText(const ibv_gid& gid) {
  static constexpr char DIGITS[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : gid.raw) {
    text += DIGITS[byte >> 4];
    text += DIGITS[byte & 15];
  }
  return text;
}

bool gidFromText(const std::string& text, ibv_gid& gid) {
  if (text.size() != 2 * sizeof(gid.raw)) return false;
  for (size_t at = 0; at < text.size(); at++) {
    const char digit = text[at];
    const bool decimal = digit >= '0' && digit <= '9';
    if (!decimal && (digit < 'a' || digit > 'f')) return false;
    const int value = decimal ? digit - '0' : digit - 'a' + 10;
    gid.raw[at / 2] = static_cast<uint8_t>(at % 2 == 0 ? value << 4 : gid.raw[at / 2] | value);
  }
  return true;
}

bool gidIsIpv4(const ibv_gid& gid) {
  static constexpr uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(gid.raw, MAPPED, sizeof(MAPPED)) == 0;
}

ibv_gid gidFromIpv4(const uint8_t* address) {
  ibv_gid gid{};
  gid.raw[10] = 0xff;
  gid.raw[11] = 0xff;
  std::memcpy(gid.raw + 12, address, 4);
  return gid;
}

uint32_t mtuBytes(ibv_mtu mtu) { return 128u << mtu; }

bool VerbsDevice::open(const std::string& text, const std::string& wanted, int gidIndexWanted,
                       Failure& failure) {
  SocketAddress address;
  Interface interface;
  if (!parseAddress(text, 0, address, failure) || !interfaceOf(address, interface, failure))
    return false;
  events.reset(rdma_create_event_channel());
  if (events == nullptr) {
    failCall(failure, "rdma_create_event_channel", errno,
             "no RDMA connection manager: load rdma_ucm, install rdma-core");
    failure.code = "NO_DEVICE";
    return false;
  }
  rdma_cm_id* made = nullptr;
  if (rdma_create_id(events.get(), &made, nullptr, RDMA_PS_UDP) != 0) {
    return failCall(failure, "rdma_create_id", errno,
                    "the RDMA connection manager gives no identifier");
  }
  id.reset(made);
  if (rdma_bind_addr(made, address.get()) != 0 || made->verbs == nullptr) {
    failCall(failure, "rdma_bind_addr", errno == 0 ? ENODEV : errno,
             "no RDMA device stands on " + interface.name + " (" + text +
                 "): see 'ibv_devinfo' and 'rdma link'");
    failure.code = "NO_DEVICE";
    return false;
  }
  const std::string found = ibv_get_device_name(context()->device);
  if (!wanted.empty() && wanted != found) {
    return fail(failure, "NO_DEVICE",
                text + " belongs to the RDMA device " + found + ", not to " + wanted);
  }
  if (const int error = ibv_query_port(context(), id->port_num, &port); error != 0) {
    return failCall(failure, "ibv_query_port", error,
                    "the RDMA device " + found + " does not describe its port");
  }
  if (port.state != IBV_PORT_ACTIVE) {
    return fail(failure, "NO_DEVICE",
                "the port of " + found + " is " + stateName(port.state) + ": is the link up?");
  }
  ethernet = port.link_layer == IBV_LINK_LAYER_ETHERNET;
  mtuBytes = endpoint::mtuBytes(port.active_mtu);
  return findGid(address, gidIndexWanted, failure);
}

bool VerbsDevice::findGid(const SocketAddress& address, int wanted, Failure& failure) {
  const ibv_gid own = gidOf(address);
  int best = 0;
  for (const ibv_gid_entry& entry : gidsOf(context())) {
    if (entry.port_num != id->port_num) continue;
    const int fits = wanted >= 0 ? entry.gid_index == static_cast<uint32_t>(wanted)
                                 : fitness(entry, own, ethernet);
    if (fits <= best) continue;
    best = fits;
    gid = entry.gid;
    gidIndex = static_cast<uint8_t>(entry.gid_index);
  }
  if (best > 0) return true;
  const std::string which = wanted >= 0 ? "index " + std::to_string(wanted) : "any type";
  return fail(failure, "NO_DEVICE", "the port has no GID of " + which + ": see 'ibv_devinfo -v'");
}

bool verbsBuilt() { return true; }

std::vector<RdmaPort> rdmaPorts() {
  std::vector<RdmaPort> ports;
  int count = 0;
  ibv_device** devices = ibv_get_device_list(&count);
  for (int index = 0; devices != nullptr && index < count; index++) {
    ibv_context* context = ibv_open_device(devices[index]);
    if (context == nullptr) continue;
    ibv_device_attr attributes{};
    if (ibv_query_device(context, &attributes) == 0) {
      for (uint8_t port = 1; port <= attributes.phys_port_cnt; port++) {
        ports.push_back(describe(context, attributes, port));
      }
    }
    ibv_close_device(context);
  }
  if (devices != nullptr) ibv_free_device_list(devices);
  return ports;
}

int64_t verbsDatagramBytes(const std::string& address, const std::string& device,
                           Failure& failure) {
  VerbsDevice found;
  if (!found.open(address, device, -1, failure)) return -1;
  return std::min(found.mtuBytes / wire::DATAGRAM_ALIGN * wire::DATAGRAM_ALIGN,
                  wire::DATAGRAM_BYTES_MAX);
}

}  // namespace endpoint

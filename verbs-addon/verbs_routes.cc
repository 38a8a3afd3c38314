// Where datagrams go with the verbs provider: address handles, multicast groups, the sources of
// what was received.
#include <poll.h>

#include <cstring>

#include "verbs-addon/beats.h"
#include "verbs-addon/verbs_provider.h"

namespace endpoint {

namespace {

// Equal queue pairs have equal keys, however they became known. The Q_Key is part of an address: with a wrong one
// nothing arrives, and it must not stand in for the right one.
std::string keyOf(const ibv_ah_attr& route, uint32_t qpNumber, uint32_t qkey) {
  std::string key;
  const auto append = [&key](const void* from, size_t bytes) {
    key.append(static_cast<const char*>(from), bytes);
  };
  append(&qpNumber, sizeof(qpNumber));
  append(&qkey, sizeof(qkey));
  if (route.is_global) {
    append(route.grh.dgid.raw, sizeof(route.grh.dgid.raw));
  } else {
    append(&route.dlid, sizeof(route.dlid));
  }
  return key;
}

bool parseGroup(const std::string& text, const std::string& own, SocketAddress& group,
                Failure& failure) {
  SocketAddress address;
  if (!parseAddress(text, 0, group, failure) || !parseAddress(own, 0, address, failure))
    return false;
  return (group.isMulticast() && group.family() == address.family()) ||
         fail(failure, "BAD_ARGUMENT",
              text + " is not a multicast group of the family of " + own);
}

// As a GID of its own, or as an IPv4 address in one.
bool gidIsMulticast(const ibv_gid& gid) {
  return gid.raw[0] == 0xff || (gidIsIpv4(gid) && (gid.raw[12] & 0xf0) == 0xe0);
}

}  // namespace

// RoCE is addressed by GID. InfiniBand by LID within a subnet, with the GID beyond it.
ibv_ah_attr VerbsProvider::routeTo(const ibv_gid& gid, uint16_t lid) const {
  ibv_ah_attr route{};
  route.port_num = device_.id->port_num;
  route.dlid = lid;
  const bool sameSubnet = gid.global.subnet_prefix == device_.gid.global.subnet_prefix;
  if (device_.ethernet || !sameSubnet) {
    route.is_global = 1;
    route.grh.dgid = gid;
    route.grh.sgid_index = device_.gidIndex;
    route.grh.hop_limit = HOP_LIMIT;
  }
  return route;
}

// Handles belong to the protection domain of the queue pairs that use them: elsewhere some devices
// refuse them.
int64_t VerbsProvider::remember(const std::string& key, ibv_ah_attr& route, uint32_t qpNumber,
                                uint32_t qkey, Failure& failure) {
  if (const int64_t known = destinations_.reuse(key); known >= 0) return known;
  Handle handle(ibv_create_ah(domain_.get(), &route));
  if (handle == nullptr) {
    failCall(failure, "ibv_create_ah", errno,
             "the device has no way there: does the address answer to a ping?");
    return -1;
  }
  return destinations_.add(key, Place{std::move(handle), qpNumber, qkey});
}

int64_t VerbsProvider::addDestination(const QueueAddress& address, Failure& failure) {
  if (address.provider != "verbs") {
    fail(failure, "BAD_ARGUMENT",
         "a verbs endpoint cannot reach a queue of the provider " + address.provider);
    return -1;
  }
  ibv_gid gid{};
  if (!gidFromText(address.gid, gid) || address.qpNumber == 0) {
    fail(failure, "BAD_ARGUMENT",
         "a verbs destination has a queue pair and a GID of 32 hexadecimal digits");
    return -1;
  }
  if (gidIsMulticast(gid)) {
    fail(failure, "BAD_ARGUMENT",
         address.gid + " is a multicast group: addGroup makes its destination");
    return -1;
  }
  ibv_ah_attr route = routeTo(gid, static_cast<uint16_t>(address.lid));
  return remember(keyOf(route, address.qpNumber, address.qkey), route, address.qpNumber, address.qkey, failure);
}

// Made by hand: ibv_init_ah_from_wc wants our own GID in the header's destination, where multicast
// has the group's.
int64_t VerbsProvider::adoptSource(uint32_t index, uint32_t row, Failure& failure) {
  const VerbsQueue& queue = *queues_[index];
  const uint32_t source = row < queue.gate.count() ? queue.gate.row(row).source : ~0u;
  if (source >= queue.lent) {
    fail(failure, "BAD_ARGUMENT", "adoptSource takes a row of the last burst, before postReceives");
    return -1;
  }
  const ibv_wc& completion = queue.stash[source];
  const uint64_t slotBytes = verbsSlotBytes(settings_.datagramBytes);
  const uint8_t* grh =
      layout_.base + queue.rxOffset + completion.wr_id * slotBytes + RX_LEAD_BYTES - GRH_BYTES;
  ibv_gid gid = device_.gid;  // InfiniBand: within our subnet
  if (device_.ethernet && gidIsIpv4(device_.gid)) {
    gid = gidFromIpv4(grh + 20 + 12);  // RoCE v2 over IPv4: the IP header fills the last 20 bytes
  } else if ((completion.wc_flags & IBV_WC_GRH) != 0) {
    std::memcpy(gid.raw, grh + 8, sizeof(gid.raw));
  }
  ibv_ah_attr route = routeTo(gid, completion.slid);
  route.sl = completion.sl;
  return remember(keyOf(route, completion.src_qp, RDMA_UDP_QKEY), route, completion.src_qp, RDMA_UDP_QKEY,
                  failure);
}

bool VerbsProvider::removeDestination(uint32_t destination) {
  bool known = false;
  std::optional<Place> last = destinations_.remove(destination, known);
  if (last.has_value()) {
    if (beats_ != nullptr) beats_->forget(destination);  // no beat uses its handle any more
    Retired retired{std::move(*last), {}};
    for (const auto& queue : queues_) retired.sendsOf.push_back(queue->txPosted);
    retired_.push_back(std::move(retired));
  }
  buryRetired();
  return known;
}

// Frees the handles that no send uses any more. What is not yet known to be done stays for the next
// call.
void VerbsProvider::buryRetired() {
  for (const auto& queue : queues_) reap(*queue);
  std::erase_if(retired_, [this](const Retired& each) {
    for (size_t queue = 0; queue < queues_.size(); queue++) {
      if (queues_[queue]->txCompleted < each.sendsOf[queue]) return false;
    }
    return true;
  });
}

bool VerbsProvider::join(const std::string& text, bool sendOnly, Membership& membership,
                         Failure& failure) {
  SocketAddress group;
  if (!parseGroup(text, settings_.address, group, failure)) return false;
  if (sendOnly) {
    rdma_cm_join_mc_attr_ex attributes{};
    attributes.comp_mask = RDMA_CM_JOIN_MC_ATTR_ADDRESS | RDMA_CM_JOIN_MC_ATTR_JOIN_FLAGS;
    attributes.join_flags = RDMA_MC_JOIN_FLAG_SENDONLY_FULLMEMBER;
    attributes.addr = group.get();
    const bool asked = rdma_join_multicast_ex(device_.id.get(), &attributes, nullptr) == 0;
    if (asked && awaitJoin(text, membership, failure)) return true;
    // An old subnet manager knows no send-only members; full ones may send as well.
  }
  if (rdma_join_multicast(device_.id.get(), group.get(), nullptr) != 0) {
    return failCall(failure, "rdma_join_multicast", errno, "cannot join " + text);
  }
  return awaitJoin(text, membership, failure);
}

bool VerbsProvider::awaitJoin(const std::string& text, Membership& membership, Failure& failure) {
  pollfd polled{device_.events->fd, POLLIN, 0};
  if (poll(&polled, 1, static_cast<int>(JOIN_MILLIS_MAX)) <= 0) {
    return failCall(failure, "rdma_join_multicast", ETIMEDOUT, "no answer to joining " + text);
  }
  rdma_cm_event* event = nullptr;
  if (rdma_get_cm_event(device_.events.get(), &event) != 0) {
    return failCall(failure, "rdma_get_cm_event", errno, "joining " + text + " failed");
  }
  const bool joined = event->event == RDMA_CM_EVENT_MULTICAST_JOIN;
  const int status = event->status;
  membership = Membership{event->param.ud.ah_attr, event->param.ud.qp_num, event->param.ud.qkey};
  rdma_ack_cm_event(event);
  if (!joined) {
    return failCall(failure, "rdma_join_multicast", status < 0 ? -status : EIO,
                    "joining " + text + " was refused");
  }
  return true;
}

int64_t VerbsProvider::addGroup(const std::string& group, uint16_t, Failure& failure) {
  const std::string key = "group " + group;
  if (const int64_t known = destinations_.reuse(key); known >= 0) return known;
  Membership membership;
  if (!join(group, true, membership, failure)) return -1;
  return remember(key, membership.route, MULTICAST_QP, membership.qkey, failure);
}

bool VerbsProvider::receiveGroups(VerbsQueue& queue, const QueueSettings& settings,
                                  Failure& failure) {
  for (const std::string& group : settings.groups) {
    Membership membership;
    if (!join(group, false, membership, failure)) return false;
    if (membership.qkey != RDMA_UDP_QKEY) {
      return fail(failure, "DEVICE",
                  "the group " + group + " has a foreign Q_Key: choose another group");
    }
    VerbsQueue::Attachment attachment{membership.route.grh.dgid, membership.route.dlid};
    const int error = ibv_attach_mcast(queue.qp.get(), &attachment.gid, attachment.lid);
    if (error != 0)
      return failCall(failure, "ibv_attach_mcast", error, "the device has no room for " + group);
    queue.attachments.push_back(attachment);
  }
  return true;
}

}  // namespace endpoint

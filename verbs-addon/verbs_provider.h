// The verbs provider: one device context, protection domain and memory region for the slab; a UD
// queue pair with its completion queues for each queue; multicast groups by rdma_cm.
//
// Who owns which slot when: a receive slot is the device's from posting to completion, ours while
// its completion is `stashed`, JavaScript's while it is lent. A TX slot is the device's until
// flush(), except what went out inline.
#pragma once

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <memory>
#include <string>
#include <vector>

#include "verbs-addon/addresses.h"
#include "verbs-addon/destinations.h"
#include "verbs-addon/endpoint.h"
#include "verbs-addon/layout.h"
#include "verbs-addon/validate.h"

namespace endpoint {

inline constexpr uint32_t GRH_BYTES = 40;      // the device writes it before a datagram
inline constexpr uint32_t RX_LEAD_BYTES = 64;  // so that datagrams start at a cache line behind it
inline constexpr uint32_t INLINE_WANTED = 188;
inline constexpr uint32_t TX_DEPTH_WANTED = 1024;
inline constexpr uint32_t SIGNAL_EVERY =
    64;  // at least one completion asked for among so many sends
inline constexpr uint32_t TX_PATIENCE_SPINS =
    20'000;  // polls for room in the send queue, once a burst
inline constexpr uint32_t FLUSH_MILLIS_MAX =
    1000;  // a device that says nothing for so long is broken
inline constexpr uint32_t JOIN_MILLIS_MAX = 10'000;  // a subnet manager may be slow
inline constexpr uint32_t MULTICAST_QP = 0xffffff;
inline constexpr uint8_t HOP_LIMIT = 64;

// Closes a verbs object with its owner.
template <auto close>
struct Closer {
  template <typename Object>
  void operator()(Object* object) const {
    close(object);
  }
};
using EventChannel = std::unique_ptr<rdma_event_channel, Closer<rdma_destroy_event_channel>>;
using CmId = std::unique_ptr<rdma_cm_id, Closer<rdma_destroy_id>>;
using Domain = std::unique_ptr<ibv_pd, Closer<ibv_dealloc_pd>>;
using Region = std::unique_ptr<ibv_mr, Closer<ibv_dereg_mr>>;
using Channel = std::unique_ptr<ibv_comp_channel, Closer<ibv_destroy_comp_channel>>;
using CompletionQueue = std::unique_ptr<ibv_cq, Closer<ibv_destroy_cq>>;
using QueuePair = std::unique_ptr<ibv_qp, Closer<ibv_destroy_qp>>;
using Handle = std::unique_ptr<ibv_ah, Closer<ibv_destroy_ah>>;

struct Place {
  Handle handle;
  uint32_t qpNumber = 0;
  uint32_t qkey = 0;
};

// A removed place. Sends to it may still be under way: its handle goes when each queue has
// completed so many.
struct Retired {
  Place place;
  std::vector<uint64_t> sendsOf;
};

// The device that carries an address, and how the address is known on it.
struct VerbsDevice {
  EventChannel events;
  CmId id;
  ibv_port_attr port{};
  bool ethernet = false;
  uint32_t mtuBytes = 0;
  uint8_t gidIndex = 0;
  ibv_gid gid{};

  ibv_context* context() const { return id->verbs; }
  bool open(const std::string& address, const std::string& device, int gidIndexWanted,
            Failure& failure);

 private:
  bool findGid(const SocketAddress& address, int wanted, Failure& failure);
};

struct VerbsQueue {
  explicit VerbsQueue(RxGate gateOfRows) : gate(gateOfRows) {}
  ~VerbsQueue();

  CompletionQueue receives;
  CompletionQueue sends;
  QueuePair qp;
  uint32_t inlineMax = 0;
  RxGate gate;

  uint64_t rxOffset = 0;
  std::vector<ibv_recv_wr> rxWork;  // one for each slot
  std::vector<ibv_sge> rxPieces;
  std::vector<ibv_wc>
      stash;  // completions: [0, lent) are JavaScript's, [lent, stashed) still to be delivered
  uint32_t lent = 0;
  uint32_t stashed = 0;
  uint32_t rxPosted = 0;

  uint32_t txDepth = 0;
  std::vector<ibv_send_wr> txWork;
  std::vector<ibv_sge> txPieces;
  uint64_t txPosted = 0;     // sends ever posted
  uint64_t txCompleted = 0;  // of them, known to be done
  uint64_t txSignalled = 0;  // the last that a completion was asked for
  uint64_t txFromSlab = 0;   // the last that the device reads from the slab

  struct Attachment {
    ibv_gid gid;
    uint16_t lid;
  };
  std::vector<Attachment> attachments;
};

// What joining a group tells.
struct Membership {
  ibv_ah_attr route{};
  uint32_t qpNumber = 0;
  uint32_t qkey = 0;
};

class VerbsBeatQueue;  // verbs_beats.h

class VerbsProvider final : public Provider {
 public:
  VerbsProvider(const Settings& settings, const Layout& layout, Counters counters);
  ~VerbsProvider() override;

  bool open(Failure& failure);

  int64_t rxBurst(uint32_t queue) override;
  void postReceives(uint32_t queue) override;
  int64_t txBurst(uint32_t queue, uint32_t count) override;
  void flush() override;
  uint32_t wait(uint32_t micros, uint32_t spinMicros) override;

  uint32_t rxBytes(uint32_t queue) const override;
  uint32_t inlineBytesMax() const override { return queues_.front()->inlineMax; }
  bool local(uint32_t queue, QueueAddress& address, Failure& failure) override;
  int64_t addDestination(const QueueAddress& address, Failure& failure) override;
  int64_t adoptSource(uint32_t queue, uint32_t row, Failure& failure) override;
  bool removeDestination(uint32_t destination) override;
  int64_t addGroup(const std::string& group, uint16_t port, Failure& failure) override;

  std::vector<int> watchDescriptors() const override { return {channel_->fd}; }
  void woken() override;
  bool arm() override;
  std::unique_ptr<BeatSender> beatSender(uint32_t queue, const std::vector<uint32_t>& destinations,
                                         Failure& failure) override;

 private:
  bool openQueue(uint32_t index, Failure& failure);
  bool openQueuePair(VerbsQueue& queue, uint32_t rxSlots, Failure& failure);
  bool prepareReceives(VerbsQueue& queue, uint32_t index, Failure& failure);
  bool receiveGroups(VerbsQueue& queue, const QueueSettings& settings, Failure& failure);
  bool join(const std::string& group, bool sendOnly, Membership& membership, Failure& failure);
  bool awaitJoin(const std::string& group, Membership& membership, Failure& failure);
  int64_t remember(const std::string& key, ibv_ah_attr& route, uint32_t qpNumber, uint32_t qkey,
                   Failure& failure);
  void buryRetired();
  ibv_ah_attr routeTo(const ibv_gid& gid, uint16_t lid) const;

  bool post(VerbsQueue& queue, uint32_t first, uint32_t count);
  void pull(VerbsQueue& queue);
  uint32_t pullAll();

  uint32_t reap(VerbsQueue& queue);
  bool recover(VerbsQueue& queue);
  void awaitRoom(VerbsQueue& queue, uint32_t wanted);
  bool build(VerbsQueue& queue, uint32_t first, uint32_t count, uint32_t& built);
  uint32_t postSends(VerbsQueue& queue, uint32_t built);

  // Declared parents first: they are closed in the reverse order, children first.
  Settings settings_;
  Layout layout_;
  Counters counters_;
  VerbsDevice device_;
  Domain domain_;
  Region region_;
  Channel channel_;
  std::vector<std::unique_ptr<VerbsQueue>> queues_;
  Destinations<Place> destinations_;
  std::vector<Retired> retired_;
  std::unique_ptr<VerbsBeatQueue> beatQueue_;  // from the first beat on
};

inline uint64_t verbsSlotBytes(uint32_t datagramBytes) { return RX_LEAD_BYTES + datagramBytes; }

// Asks for the inline room of the paper's system; takes what the device gives. Null with errno.
QueuePair createQueuePair(ibv_pd* domain, ibv_qp_init_attr& attributes);
bool startQueuePair(ibv_qp* qp, uint8_t port, Failure& failure);
// After an error of a send. True when the queue pair was reset: it has forgotten what was posted.
bool recoverQueuePair(ibv_qp* qp, uint8_t port);

std::string gidText(const ibv_gid& gid);
bool gidFromText(const std::string& text, ibv_gid& gid);
bool gidIsIpv4(const ibv_gid& gid);
ibv_gid gidFromIpv4(const uint8_t* address);
uint32_t mtuBytes(ibv_mtu mtu);

}  // namespace endpoint

// The UDP provider: one unicast socket a queue, one multicast socket more where groups are
// received; segmentation offload both ways, so that a burst to one destination is one message to
// the kernel.
//
// Who owns which buffer when: a receive buffer is the kernel's to fill while it stands in
// `messages`, ours while it is `filled` (rows of it are still to be delivered), JavaScript's while
// it is `lent`, and free otherwise.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "verbs-addon/addresses.h"
#include "verbs-addon/destinations.h"
#include "verbs-addon/endpoint.h"
#include "verbs-addon/layout.h"
#include "verbs-addon/validate.h"

namespace endpoint {

inline constexpr uint32_t RX_BUFFER_BYTES =
    65536;                                       // no datagram and no train of datagrams is larger
inline constexpr uint32_t RX_BUFFERS_MAX = 64;   // per queue
inline constexpr uint32_t RX_MESSAGES_MAX = 32;  // of one recvmmsg
inline constexpr uint32_t TX_MESSAGES_MAX = 32;  // of one sendmmsg
inline constexpr uint32_t TX_SEGMENTS_MAX = 64;  // of one message; the kernel's limit
inline constexpr uint32_t TX_MESSAGE_BYTES_MAX = 65507;
inline constexpr uint32_t TX_MESSAGE_BYTES_MAX_V6 = 65487;
inline constexpr int TX_PATIENCE_MICROS = 200;  // for room in the socket, each sendmmsg batch

inline constexpr uint32_t udpRxBuffers(uint32_t rxSlots) {
  return rxSlots < 4 ? 4 : (rxSlots > RX_BUFFERS_MAX ? RX_BUFFERS_MAX : rxSlots);
}

// Closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return value_; }
  bool valid() const { return value_ >= 0; }

 private:
  int release() {
    const int value = value_;
    value_ = -1;
    return value;
  }
  int value_;
};

struct UdpSocket {
  Descriptor descriptor;
  uint32_t dropsSeen = 0;  // the kernel's cumulative count
};

struct RxBuffer {
  uint64_t offset = 0;  // in the slab
  uint32_t length = 0;
  uint32_t segment = 0;  // bytes of each datagram in it but the last
  uint32_t cursor = 0;   // delivered so far
  SocketAddress source;
};

// What one recvmmsg fills. An entry holds the buffer with the same index in `buffer`, or NO_BUFFER.
struct RxMessages {
  static constexpr uint32_t NO_BUFFER = ~0u;
  std::array<mmsghdr, RX_MESSAGES_MAX> headers{};
  std::array<iovec, RX_MESSAGES_MAX> vectors{};
  std::array<uint32_t, RX_MESSAGES_MAX> buffer{};
  alignas(cmsghdr) std::array<std::array<uint8_t, 64>, RX_MESSAGES_MAX> control{};
};

struct TxMessages {
  std::array<mmsghdr, TX_MESSAGES_MAX> headers{};
  std::array<std::array<iovec, TX_SEGMENTS_MAX>, TX_MESSAGES_MAX> vectors{};
  std::array<uint32_t, TX_MESSAGES_MAX> firstRow{};
  std::array<uint32_t, TX_MESSAGES_MAX> rows{};
  std::array<uint32_t, TX_MESSAGES_MAX> bytes{};
  alignas(cmsghdr)
      std::array<std::array<uint8_t, CMSG_SPACE(sizeof(uint16_t))>, TX_MESSAGES_MAX> control{};
};

struct UdpQueue {
  explicit UdpQueue(RxGate gateOfRows) : gate(gateOfRows) {}

  std::vector<UdpSocket> sockets;  // [0] unicast: sends too; [1] multicast
  SocketAddress bound;
  uint32_t rxBytes = 0;
  RxGate gate;
  uint32_t served = 0;  // bursts, to take turns between the sockets
  std::vector<RxBuffer> buffers;
  std::vector<uint32_t> free;    // a stack: the buffer used last is still in the cache
  std::vector<uint32_t> filled;  // in order of arrival
  std::vector<uint32_t> lent;
  RxMessages messages;
};

class UdpProvider final : public Provider {
 public:
  UdpProvider(const Settings& settings, const Layout& layout, Counters counters)
      : settings_(settings), layout_(layout), counters_(counters) {}

  bool open(Failure& failure);

  int64_t rxBurst(uint32_t queue) override;
  void postReceives(uint32_t queue) override;
  int64_t txBurst(uint32_t queue, uint32_t count) override;
  void flush() override {}  // the kernel copied everything
  uint32_t wait(uint32_t micros, uint32_t spinMicros) override;

  uint32_t rxBytes(uint32_t queue) const override { return queues_[queue]->rxBytes; }
  bool local(uint32_t queue, QueueAddress& address, Failure& failure) override;
  int64_t addDestination(const QueueAddress& address, Failure& failure) override;
  int64_t adoptSource(uint32_t queue, uint32_t row, Failure& failure) override;
  bool removeDestination(uint32_t destination) override;
  int64_t addGroup(const std::string& group, uint16_t port, Failure& failure) override;

  std::vector<int> watchDescriptors() const override;
  void woken() override {}
  bool arm() override;
  std::unique_ptr<BeatSender> beatSender(uint32_t queue, const std::vector<uint32_t>& destinations,
                                         Failure& failure) override;

 private:
  bool openQueue(uint32_t index, Failure& failure);
  bool openUnicast(UdpQueue& queue, const QueueSettings& settings, Failure& failure);
  bool openMulticast(UdpQueue& queue, const QueueSettings& settings, Failure& failure);
  bool joinGroup(int descriptor, const std::string& group, Failure& failure);
  bool checkDestination(const SocketAddress& address, Failure& failure) const;
  int64_t remember(const SocketAddress& address);

  void receive(UdpQueue& queue, UdpSocket& socket);
  void deliver(UdpQueue& queue);
  uint32_t ready();

  bool build(uint32_t from, uint32_t count, uint32_t& messages, uint32_t& next);
  bool extend(uint32_t message, const TxRow& row);
  void start(uint32_t message, uint32_t row, const SocketAddress& place);
  void finish(uint32_t message);
  bool sendFirst(int descriptor, uint32_t message);
  void countSent(uint32_t rows, uint32_t bytes);
  uint32_t send(int descriptor, uint32_t messages, uint32_t& resume);

  Settings settings_;
  Layout layout_;
  Counters counters_;
  SocketAddress address_;
  Interface interface_;
  bool segmentation_ = true;  // off once the device refused it
  std::vector<std::unique_ptr<UdpQueue>> queues_;
  Destinations<SocketAddress> destinations_;
  std::unique_ptr<TxMessages> tx_ = std::make_unique<TxMessages>();
};

}  // namespace endpoint

// The datagram endpoint, for C++: what both providers do. The contract in words is
// src/transport/endpoint.ts.
//
// A provider works on one slab laid out by layout.h. One thread. The data path returns integers and
// counts; setup fills a Failure. The binding calls through this class once per burst, never per
// datagram.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "verbs-addon/counters.h"
#include "verbs-addon/failure.h"

namespace endpoint {

struct QueueSettings {
  uint16_t port = 0;
  uint32_t rxSlots = 0;
  uint32_t socketBytes = 0;
  uint16_t groupPort = 0;
  std::vector<std::string> groups;
};

struct Settings {
  std::string address;
  std::string device;  // verbs: empty for the one that the address stands on
  int gidIndex = -1;   // verbs: -1 to find it by type
  std::vector<QueueSettings> queues;
  uint32_t datagramBytes = 0;
  uint32_t cluster = 0;
  uint32_t txSlots = 0;
  uint32_t txRows = 0;
  uint64_t extraBytes = 0;
  double dropRatio = 0;
  uint32_t dropSeed = 1;
};

struct QueueAddress {
  std::string provider;
  std::string address;
  uint32_t port = 0;
  uint32_t qpNumber = 0;
  uint32_t qkey = 0;
  uint32_t lid = 0;
  std::string gid;
  uint32_t mtuBytes = 0;
};

// Words of rows, as in endpoint.ts.
struct RxRow {
  uint32_t offset;
  uint32_t length;
  uint32_t kind;
  uint32_t source;
};
struct TxRow {
  uint32_t offset;
  uint32_t length;
  uint32_t destination;
  uint32_t flags;
};
static_assert(sizeof(RxRow) == 16 && sizeof(TxRow) == 16);
inline constexpr uint32_t TX_SEAL = 1;

// What a data path call returns when the caller broke the contract; the face in TypeScript asserts.
inline constexpr int64_t MISUSE_QUEUE = -1;  // no such queue
inline constexpr int64_t MISUSE_LENT =
    -2;  // rxBurst before the slots of the last burst were given back
inline constexpr int64_t MISUSE_ROW = -3;  // a row outside the slab, or not a sealed-able datagram
inline constexpr int64_t MISUSE_CLOSED = -4;  // used after close
inline constexpr int64_t MISUSE_DEPTH =
    -5;  // more sends under way than the device was told of: our own mistake

inline constexpr int64_t MISUSE_BEAT = -6;  // not a beat: see beatFits(), and too many places

inline constexpr uint32_t WAIT_MICROS_MAX = 1'000'000;
inline constexpr uint32_t QUEUES_MAX = 8;
inline constexpr uint32_t WOKEN =
    1u << QUEUES_MAX;  // a bit of what wait() returns: another thread ended it
inline constexpr uint32_t BESIDE = WOKEN << 1;  // and another: the descriptor beside is readable

class Beats;
class BeatSender;

class Provider {
 public:
  virtual ~Provider() = default;

  virtual int64_t rxBurst(uint32_t queue) = 0;
  virtual void postReceives(uint32_t queue) = 0;
  virtual int64_t txBurst(uint32_t queue, uint32_t count) = 0;
  virtual void flush() = 0;
  virtual uint32_t wait(uint32_t micros, uint32_t spinMicros) = 0;

  virtual uint32_t rxBytes(uint32_t queue) const = 0;
  // A datagram up to this size is copied into the work request; 0 where there is no such thing.
  virtual uint32_t inlineBytesMax() const { return 0; }
  virtual bool local(uint32_t queue, QueueAddress& address, Failure& failure) = 0;
  virtual int64_t addDestination(const QueueAddress& address, Failure& failure) = 0;
  virtual int64_t adoptSource(uint32_t queue, uint32_t row, Failure& failure) = 0;
  virtual bool removeDestination(uint32_t destination) = 0;
  virtual int64_t addGroup(const std::string& group, uint16_t port, Failure& failure) = 0;

  // For an event loop: descriptors that become readable when datagrams arrive.
  virtual std::vector<int> watchDescriptors() const = 0;
  // Takes away what made a descriptor readable, when reading datagrams alone would not.
  virtual void woken() = 0;
  // Makes the descriptors tell of the next datagram. True when datagrams wait of which they will
  // not tell.
  virtual bool arm() = 0;

  // Sends to these destinations from the beats' thread, beside all that the owner does. Those that
  // are none are passed over. Null and a failure when the device cannot.
  virtual std::unique_ptr<BeatSender> beatSender(uint32_t queue,
                                                 const std::vector<uint32_t>& destinations,
                                                 Failure& failure) = 0;
  // Who has to forget a destination before it goes (beats.h); the binding owns it.
  void beatBy(Beats* beats) { beats_ = beats; }

  // An eventfd that ends a wait as a datagram does (wake.h); the binding owns it.
  void wakeBy(int descriptor) { wake_ = descriptor; }
  int wakeDescriptor() const { return wake_; }

  // One more descriptor that ends a wait while it is readable, -1 for none; whoever gave it reads it.
  void waitBeside(int descriptor) { beside_ = descriptor; }

 protected:
  int wake_ = -1;
  int beside_ = -1;
  Beats* beats_ = nullptr;
};

struct Layout;

std::unique_ptr<Provider> openUdp(const Settings&, const Layout&, Counters, Failure&);
uint64_t udpRxBytes(const Settings&, const QueueSettings&);

std::unique_ptr<Provider> openVerbs(const Settings&, const Layout&, Counters, Failure&);
uint64_t verbsRxBytes(const Settings&, const QueueSettings&);

}  // namespace endpoint

// Beats with the UDP provider: from the queue's own socket, which the kernel guards against sends of
// two threads. Places are copies, so that nothing is shared with the owner.
#include <sys/socket.h>

#include <algorithm>

#include "verbs-addon/beats.h"
#include "verbs-addon/udp_provider.h"

namespace endpoint {

namespace {

struct BeatPlace {
  uint32_t destination;
  SocketAddress address;
};

class UdpBeatSender final : public BeatSender {
 public:
  UdpBeatSender(int descriptor, std::vector<BeatPlace> places)
      : descriptor_(descriptor), places_(std::move(places)) {}

  // A full socket loses the beat: the next one says more than this one late.
  uint32_t send(const uint8_t* datagram, uint32_t bytes) override {
    uint32_t taken = 0;
    for (const BeatPlace& each : places_) {
      const ssize_t sent = sendto(descriptor_, datagram, bytes, MSG_DONTWAIT, each.address.get(),
                                  each.address.bytes);
      if (sent >= 0) taken++;
    }
    return taken;
  }

  void forget(uint32_t destination) override {
    std::erase_if(places_, [destination](const BeatPlace& each) {
      return each.destination == destination;
    });
  }

 private:
  int descriptor_;
  std::vector<BeatPlace> places_;
};

}  // namespace

std::unique_ptr<BeatSender> UdpProvider::beatSender(uint32_t queue,
                                                    const std::vector<uint32_t>& destinations,
                                                    Failure&) {
  std::vector<BeatPlace> places;
  for (const uint32_t destination : destinations) {
    const SocketAddress* address = destinations_.find(destination);
    if (address != nullptr) places.push_back(BeatPlace{destination, *address});
  }
  return std::make_unique<UdpBeatSender>(queues_[queue]->sockets[0].descriptor.get(),
                                         std::move(places));
}

}  // namespace endpoint

#include "verbs-addon/verbs_beats.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace endpoint {

namespace {

class VerbsBeatSender final : public BeatSender {
 public:
  VerbsBeatSender(VerbsBeatQueue& queue, std::vector<VerbsBeatPlace> places, Counters counters)
      : queue_(queue), places_(std::move(places)), counters_(counters) {}
  ~VerbsBeatSender() override { drain(); }

  uint32_t send(const uint8_t* datagram, uint32_t bytes) override {
    return queue_.send(datagram, bytes, places_);
  }

  void forget(uint32_t destination) override {
    const size_t gone = std::erase_if(places_, [destination](const VerbsBeatPlace& each) {
      return each.destination == destination;
    });
    if (gone > 0) drain();
  }

 private:
  // On the owner's thread, as all that takes places away: the count is its own.
  void drain() {
    if (const uint32_t failed = queue_.drain(); failed > 0)
      counters_.add(Counter::completionErrors, failed);
  }

  VerbsBeatQueue& queue_;
  std::vector<VerbsBeatPlace> places_;
  Counters counters_;
};

}  // namespace

bool VerbsBeatQueue::open(ibv_context* context, ibv_pd* domain, uint8_t port, uint32_t bytesMax,
                          Failure& failure) {
  room_ = Slab::create(bytesMax, failure);
  if (room_ == nullptr) return false;
  region_.reset(ibv_reg_mr(domain, room_->base(), bytesMax, 0));
  if (region_ == nullptr)
    return failCall(failure, "ibv_reg_mr", errno,
                    "the device cannot register beats: raise the limit 'ulimit -l'");
  completions_.reset(ibv_create_cq(context, BEAT_PLACES_MAX, nullptr, nullptr, 0));
  if (completions_ == nullptr)
    return failCall(failure, "ibv_create_cq", errno, "the device has no completion queue left");
  ibv_qp_init_attr attributes{};
  attributes.qp_type = IBV_QPT_UD;
  attributes.sq_sig_all = 1;
  attributes.send_cq = completions_.get();
  attributes.recv_cq = completions_.get();
  attributes.cap.max_send_wr = BEAT_PLACES_MAX;
  attributes.cap.max_recv_wr = 1;  // never posted; some devices refuse 0
  attributes.cap.max_send_sge = 1;
  attributes.cap.max_recv_sge = 1;
  qp_ = createQueuePair(domain, attributes);
  if (qp_ == nullptr)
    return failCall(failure, "ibv_create_qp", errno,
                    "the device has no queue pair left: see 'rdma resource'");
  inlineMax_ = attributes.cap.max_inline_data;
  port_ = port;
  return startQueuePair(qp_.get(), port, failure);
}

void VerbsBeatQueue::reap() {
  ibv_wc completions[16];
  bool broken = false;
  int got = 0;
  while ((got = ibv_poll_cq(completions_.get(), 16, completions)) > 0) {
    underWay_ -= std::min(underWay_, static_cast<uint32_t>(got));
    for (int at = 0; at < got; at++) {
      if (completions[at].status == IBV_WC_SUCCESS) continue;
      failed_++;
      broken = true;
    }
  }
  // After a reset nothing is under way, whatever was not told of.
  if (broken && recoverQueuePair(qp_.get(), port_)) underWay_ = 0;
}

// A round while the device is still at the last one is left out: it may be reading `room_`.
uint32_t VerbsBeatQueue::send(const uint8_t* datagram, uint32_t bytes,
                              const std::vector<VerbsBeatPlace>& places) {
  reap();
  if (underWay_ > 0) return 0;
  std::memcpy(room_->base(), datagram, bytes);
  ibv_sge piece{reinterpret_cast<uintptr_t>(room_->base()), bytes, region_->lkey};
  uint32_t taken = 0;
  for (const VerbsBeatPlace& each : places) {
    ibv_send_wr work{};
    work.sg_list = &piece;
    work.num_sge = 1;
    work.opcode = IBV_WR_SEND;
    work.send_flags = bytes <= inlineMax_ ? static_cast<unsigned>(IBV_SEND_INLINE) : 0u;
    work.wr.ud.ah = each.handle;
    work.wr.ud.remote_qpn = each.qpNumber;
    work.wr.ud.remote_qkey = each.qkey;
    ibv_send_wr* bad = nullptr;
    if (ibv_post_send(qp_.get(), &work, &bad) == 0) taken++;
  }
  underWay_ += taken;
  return taken;
}

uint32_t VerbsBeatQueue::drain() {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(FLUSH_MILLIS_MAX);
  for (reap(); underWay_ > 0; reap()) {
    if (std::chrono::steady_clock::now() < limit) continue;
    failed_ += underWay_;  // a device that says nothing for so long is broken
    underWay_ = 0;
  }
  return std::exchange(failed_, 0);
}

// All beats leave from one queue pair, whichever queue they are of: receivers go by the header.
std::unique_ptr<BeatSender> VerbsProvider::beatSender(uint32_t,
                                                      const std::vector<uint32_t>& destinations,
                                                      Failure& failure) {
  if (beatQueue_ == nullptr) {
    auto queue = std::make_unique<VerbsBeatQueue>();
    if (!queue->open(device_.context(), domain_.get(), device_.id->port_num,
                     settings_.datagramBytes, failure))
      return nullptr;
    beatQueue_ = std::move(queue);
  }
  std::vector<VerbsBeatPlace> places;
  for (const uint32_t destination : destinations) {
    const Place* place = destinations_.find(destination);
    if (place == nullptr) continue;
    places.push_back(
        VerbsBeatPlace{destination, place->handle.get(), place->qpNumber, place->qkey});
  }
  return std::make_unique<VerbsBeatSender>(*beatQueue_, std::move(places), counters_);
}

}  // namespace endpoint

// Beats with the verbs provider: a small UD queue pair of their own beside the owner's queues. The
// device would take sends of two threads on one queue pair; what the provider remembers of them
// (signalling, what is under way) would not.
//
// Used under the beats' lock only (beats.h). A handle of the owner's is in use while it stands in a
// sender's places or `underWay` is not 0.
#pragma once

#include <memory>
#include <vector>

#include "verbs-addon/beats.h"
#include "verbs-addon/slab.h"
#include "verbs-addon/verbs_provider.h"

namespace endpoint {

struct VerbsBeatPlace {
  uint32_t destination = 0;
  ibv_ah* handle = nullptr;
  uint32_t qpNumber = 0;
  uint32_t qkey = 0;
};

class VerbsBeatQueue {
 public:
  bool open(ibv_context* context, ibv_pd* domain, uint8_t port, uint32_t bytesMax,
            Failure& failure);
  uint32_t send(const uint8_t* datagram, uint32_t bytes, const std::vector<VerbsBeatPlace>& places);
  // Until the device has left every handle. Returns how many sends failed since the last time.
  uint32_t drain();

 private:
  void reap();

  std::shared_ptr<Slab> room_;  // what is too long for inline is sent from here
  Region region_;
  CompletionQueue completions_;
  QueuePair qp_;
  uint32_t inlineMax_ = 0;
  uint8_t port_ = 0;
  uint32_t underWay_ = 0;
  uint32_t failed_ = 0;
};

}  // namespace endpoint

// Receiving with the verbs provider: polling completions, lending slots, posting them again,
// waiting.
#include <poll.h>

#include <algorithm>
#include <chrono>

#include "verbs-addon/verbs_provider.h"
#include "verbs-addon/wake.h"

namespace endpoint {

using Clock = std::chrono::steady_clock;

// Takes completions out of the device's queue, behind those that are lent or stashed already.
void VerbsProvider::pull(VerbsQueue& queue) {
  const uint32_t room = static_cast<uint32_t>(queue.stash.size()) - queue.stashed;
  if (room == 0) return;
  counters_.add(Counter::rxCalls);
  const int got =
      ibv_poll_cq(queue.receives.get(), static_cast<int>(room), &queue.stash[queue.stashed]);
  if (got < 0) return counters_.add(Counter::completionErrors);
  if (got == 0) return;
  queue.stashed += static_cast<uint32_t>(got);
  queue.rxPosted -= static_cast<uint32_t>(got);
  // With nothing posted the device drops what comes, and tells nobody: this is all that can be
  // counted.
  if (queue.rxPosted == 0) counters_.add(Counter::droppedNoRoom);
}

int64_t VerbsProvider::rxBurst(uint32_t index) {
  VerbsQueue& queue = *queues_[index];
  if (queue.lent > 0) return MISUSE_LENT;
  queue.gate.begin();
  pull(queue);
  const uint64_t slotBytes = verbsSlotBytes(settings_.datagramBytes);
  bool stopped = false;
  for (; queue.lent < queue.stashed; queue.lent++) {
    const ibv_wc& completion = queue.stash[queue.lent];
    if (completion.status == IBV_WC_WR_FLUSH_ERR) {
      stopped = true;  // of its cause it is known when sends are reaped
    } else if (completion.status != IBV_WC_SUCCESS) {
      counters_.add(Counter::completionErrors);
    } else if (completion.byte_len < GRH_BYTES) {
      counters_.add(Counter::droppedTruncated);
    } else {
      const uint64_t offset = queue.rxOffset + completion.wr_id * slotBytes + RX_LEAD_BYTES;
      queue.gate.admit(offset, completion.byte_len - GRH_BYTES, queue.lent);
    }
  }
  queue.gate.end();
  if (stopped && reap(queue) == 0 && recover(queue)) counters_.add(Counter::completionErrors);
  const uint32_t count = queue.gate.count();
  if (count == 0) postReceives(index);
  return count;
}

// Slots of the completions [first, first + count) go back to the device as one chain.
bool VerbsProvider::post(VerbsQueue& queue, uint32_t first, uint32_t count) {
  ibv_recv_wr* head = nullptr;
  for (uint32_t at = first + count; at-- > first;) {
    ibv_recv_wr& work = queue.rxWork[queue.stash[at].wr_id];
    work.next = head;
    head = &work;
  }
  ibv_recv_wr* bad = nullptr;
  if (ibv_post_recv(queue.qp.get(), head, &bad) != 0) return false;
  queue.rxPosted += count;
  return true;
}

void VerbsProvider::postReceives(uint32_t index) {
  VerbsQueue& queue = *queues_[index];
  queue.gate.begin();
  if (queue.lent == 0) return;
  if (!post(queue, 0, queue.lent)) counters_.add(Counter::completionErrors, queue.lent);
  std::copy(queue.stash.begin() + queue.lent, queue.stash.begin() + queue.stashed,
            queue.stash.begin());
  queue.stashed -= queue.lent;
  queue.lent = 0;
}

// Which queues hold completions that are not delivered.
uint32_t VerbsProvider::pullAll() {
  uint32_t bits = 0;
  for (uint32_t index = 0; index < queues_.size(); index++) {
    VerbsQueue& queue = *queues_[index];
    if (queue.stashed == queue.lent) pull(queue);
    if (queue.stashed > queue.lent) bits |= 1u << index;
  }
  return bits;
}

void VerbsProvider::woken() {
  ibv_cq* which = nullptr;
  void* context = nullptr;
  // Each is a read of the channel; the last finds nothing.
  counters_.add(Counter::systemCalls);
  while (ibv_get_cq_event(channel_.get(), &which, &context) == 0) {
    ibv_ack_cq_events(which, 1);
    counters_.add(Counter::systemCalls);
  }
}

// First asked, then looked: what comes between the two is seen by one of them.
bool VerbsProvider::arm() {
  for (const auto& queue : queues_) ibv_req_notify_cq(queue->receives.get(), 0);
  return pullAll() != 0;
}

uint32_t VerbsProvider::wait(uint32_t micros, uint32_t spinMicros) {
  counters_.add(Counter::waitCalls);
  const auto start = Clock::now();
  const auto limit = start + std::chrono::microseconds(micros);
  const auto spin = start + std::chrono::microseconds(std::min(spinMicros, micros));
  // What was readable before is told of by no event: it is looked for once.
  pollfd beside{beside_, POLLIN, 0};
  do {
    if (const uint32_t bits = pullAll(); bits != 0) return bits;
    if (beside_ >= 0 && poll(&beside, 1, 0) > 0) return BESIDE;
  } while (Clock::now() < spin);
  if (Clock::now() >= limit) return 0;
  counters_.add(Counter::waitBlocked);
  for (auto now = Clock::now(); now < limit; now = Clock::now()) {
    if (arm()) break;
    const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(limit - now).count();
    const timespec time{rest / 1'000'000'000, rest % 1'000'000'000};
    pollfd polled[] = {{channel_->fd, POLLIN, 0}, {wake_, POLLIN, 0}, {beside_, POLLIN, 0}};  // -1 is passed over
    counters_.add(Counter::systemCalls);
    if (ppoll(polled, 3, &time, nullptr) < 0) break;  // a signal: let the loop look
    woken();
    if (polled[1].revents != 0) {
      counters_.add(Counter::systemCalls);
      if (takeWake(wake_)) return pullAll() | WOKEN;
    }
    if (polled[2].revents != 0) return pullAll() | BESIDE;
    if (pullAll() != 0) break;
  }
  return pullAll();
}

}  // namespace endpoint

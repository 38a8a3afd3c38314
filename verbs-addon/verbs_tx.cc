// Sending with the verbs provider: linked work requests, one doorbell a burst, inline when small,
// few completions.
#include <algorithm>
#include <chrono>

#include "verbs-addon/verbs_provider.h"

namespace endpoint {

// Takes completions of sends. Each says that all sends before it are done, too. Returns how many
// were in error.
uint32_t VerbsProvider::reap(VerbsQueue& queue) {
  ibv_wc completions[16];
  uint32_t failed = 0;
  int got = 0;
  while ((got = ibv_poll_cq(queue.sends.get(), 16, completions)) > 0) {
    for (int at = 0; at < got; at++) {
      if (completions[at].wr_id > queue.txCompleted) queue.txCompleted = completions[at].wr_id;
      if (completions[at].status != IBV_WC_SUCCESS) failed++;
    }
  }
  if (got < 0) failed++;
  if (failed > 0) {
    counters_.add(Counter::completionErrors, failed);
    recover(queue);
  }
  return failed;
}

void VerbsProvider::awaitRoom(VerbsQueue& queue, uint32_t wanted) {
  for (uint32_t spin = 0; spin < TX_PATIENCE_SPINS; spin++) {
    if (queue.txPosted - queue.txCompleted + wanted <= queue.txDepth) return;
    reap(queue);
  }
}

// Rows [first, first + count) as a chain of work requests. False when a row is not one.
bool VerbsProvider::build(VerbsQueue& queue, uint32_t first, uint32_t count, uint32_t& built) {
  const TxRow* rows = layout_.txRows();
  uint64_t sequence = queue.txPosted;
  uint64_t signalled = queue.txSignalled;
  bool fromSlab = false;
  built = 0;
  for (uint32_t at = first; at < first + count; at++) {
    const TxRow& row = rows[at];
    if (!rowFits(row, layout_.bytes, settings_.datagramBytes)) return false;
    uint8_t* datagram = layout_.base + row.offset;
    if ((row.flags & TX_SEAL) != 0 && !seal(datagram, row.length)) return false;
    const Place* place = destinations_.find(row.destination);
    if (place == nullptr) continue;  // not taken
    const bool small = row.length <= queue.inlineMax;
    fromSlab = fromSlab || !small;
    sequence++;
    queue.txPieces[built] =
        ibv_sge{reinterpret_cast<uintptr_t>(datagram), row.length, region_->lkey};
    ibv_send_wr& work = queue.txWork[built];
    work = ibv_send_wr{};
    work.wr_id = sequence;
    work.sg_list = &queue.txPieces[built];
    work.num_sge = 1;
    work.opcode = IBV_WR_SEND;
    work.send_flags = small ? static_cast<unsigned>(IBV_SEND_INLINE) : 0u;
    work.wr.ud.ah = place->handle.get();
    work.wr.ud.remote_qpn = place->qpNumber;
    work.wr.ud.remote_qkey = place->qkey;
    work.next = &queue.txWork[built + 1 < queue.txDepth ? built + 1 : 0];
    if (sequence - signalled >= SIGNAL_EVERY) {
      work.send_flags |= IBV_SEND_SIGNALED;
      signalled = sequence;
    }
    built++;
  }
  if (built == 0) return true;
  ibv_send_wr& last = queue.txWork[built - 1];
  last.next = nullptr;
  if (fromSlab) last.send_flags |= IBV_SEND_SIGNALED;  // flush() waits for it
  return true;
}

// Rings the doorbell. Returns how many the device took.
uint32_t VerbsProvider::postSends(VerbsQueue& queue, uint32_t built) {
  if (built == 0) return 0;
  ibv_send_wr* bad = nullptr;
  counters_.add(Counter::txCalls);
  const int error = ibv_post_send(queue.qp.get(), queue.txWork.data(), &bad);
  uint32_t taken = built;
  if (error != 0) taken = bad == nullptr ? 0 : static_cast<uint32_t>(bad - queue.txWork.data());
  for (uint32_t at = 0; at < taken; at++) {
    const ibv_send_wr& work = queue.txWork[at];
    counters_.add(Counter::txBytes, work.sg_list->length);
    if ((work.send_flags & IBV_SEND_INLINE) != 0) {
      counters_.add(Counter::txInline);
    } else {
      queue.txFromSlab = work.wr_id;
    }
    if ((work.send_flags & IBV_SEND_SIGNALED) != 0) {
      counters_.add(Counter::txSignalled);
      queue.txSignalled = work.wr_id;
    }
  }
  queue.txPosted += taken;
  counters_.add(Counter::txDatagrams, taken);
  return taken;
}

int64_t VerbsProvider::txBurst(uint32_t index, uint32_t count) {
  if (count > settings_.txRows) return MISUSE_ROW;
  VerbsQueue& queue = *queues_[index];
  uint32_t taken = 0;
  reap(queue);
  for (uint32_t row = 0; row < count;) {
    // Half a queue at a time, so that the device works on one half while the other is built.
    const uint32_t wanted = std::min(count - row, queue.txDepth / 2);
    awaitRoom(queue, wanted);
    if (queue.txPosted - queue.txCompleted + wanted > queue.txDepth) break;
    uint32_t built = 0;
    if (!build(queue, row, wanted, built)) return MISUSE_ROW;
    taken += postSends(queue, built);
    if (queue.txPosted - queue.txCompleted > queue.txDepth) return MISUSE_DEPTH;
    row += wanted;
  }
  counters_.add(Counter::txRefused, count - taken);
  return taken;
}

void VerbsProvider::flush() {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(FLUSH_MILLIS_MAX);
  for (const auto& queue : queues_) {
    while (queue->txCompleted < queue->txFromSlab) {
      if (reap(*queue) == 0 && std::chrono::steady_clock::now() > limit) {
        counters_.add(Counter::completionErrors);
        queue->txCompleted = queue->txFromSlab;
      }
    }
  }
}

}  // namespace endpoint

// After an error of a queue pair: it is started again, and loses what was under way, as a network may.
//
// A send that fails (the route is gone, say) stops the send queue of a UD queue pair and leaves its receives alone:
// the SQE state. Soft-RoCE stops all of it: the ERR state, in which every receive slot comes back flushed. Then it goes
// through RESET, which keeps its number and its groups, and gets its receive slots anew.
#include <algorithm>

#include "verbs-addon/verbs_provider.h"

namespace endpoint {

bool recoverQueuePair(ibv_qp* qp, uint8_t port) {
  ibv_qp_attr attributes{};
  ibv_qp_init_attr initial{};
  if (ibv_query_qp(qp, &attributes, IBV_QP_STATE, &initial) != 0) return false;
  const ibv_qp_state state = attributes.qp_state;
  attributes = ibv_qp_attr{};
  if (state == IBV_QPS_SQE) {
    attributes.qp_state = IBV_QPS_RTS;
    attributes.cur_qp_state = IBV_QPS_SQE;
    ibv_modify_qp(qp, &attributes, IBV_QP_STATE | IBV_QP_CUR_STATE);
  }
  if (state != IBV_QPS_ERR) return false;
  attributes.qp_state = IBV_QPS_RESET;
  if (ibv_modify_qp(qp, &attributes, IBV_QP_STATE) != 0) return false;
  Failure failure;  // told by the next send, which fails as well
  startQueuePair(qp, port, failure);
  return true;
}

// True when the device forgot what was posted. What it had delivered before stays in the stash, in front of it what is
// lent; each slot outside the stash is posted, those that came back flushed among them.
bool VerbsProvider::recover(VerbsQueue& queue) {
  pull(queue);
  if (!recoverQueuePair(queue.qp.get(), device_.id->port_num)) return false;
  pull(queue);  // after the reset nothing comes to it any more
  queue.txCompleted = queue.txPosted;
  const auto unread = queue.stash.begin() + queue.lent;
  const auto kept =
      std::remove_if(unread, queue.stash.begin() + queue.stashed,
                     [](const ibv_wc& each) { return each.status == IBV_WC_WR_FLUSH_ERR; });
  queue.stashed = static_cast<uint32_t>(kept - queue.stash.begin());
  std::vector<bool> ours(queue.rxWork.size());
  for (uint32_t at = 0; at < queue.stashed; at++) ours[queue.stash[at].wr_id] = true;
  ibv_recv_wr* head = nullptr;
  queue.rxPosted = 0;
  for (ibv_recv_wr& work : queue.rxWork) {
    if (ours[work.wr_id]) continue;
    work.next = head;
    head = &work;
    queue.rxPosted++;
  }
  ibv_recv_wr* bad = nullptr;
  if (head != nullptr && ibv_post_recv(queue.qp.get(), head, &bad) != 0)
    counters_.add(Counter::completionErrors);
  return true;
}

}  // namespace endpoint

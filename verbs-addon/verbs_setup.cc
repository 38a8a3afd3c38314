// Setup of the verbs provider: memory, completion queues, queue pairs, receive slots. Nothing here
// runs per datagram.
#include <fcntl.h>

#include <algorithm>

#include "verbs-addon/verbs_beats.h"
#include "verbs-addon/verbs_provider.h"

namespace endpoint {

namespace {

std::string lockedMemoryAdvice(uint64_t bytes) {
  return "the device cannot register " + std::to_string(bytes >> 20) +
         " MiB: raise the limit 'ulimit -l'";
}

bool refusedSettings(Failure& failure, const char* what, uint32_t wanted, int most) {
  return fail(failure, "BAD_ARGUMENT",
              std::string(what) + " is " + std::to_string(wanted) + ", this device takes " +
                  std::to_string(most));
}

}  // namespace

VerbsQueue::~VerbsQueue() {
  for (Attachment& each : attachments) ibv_detach_mcast(qp.get(), &each.gid, each.lid);
  qp.reset();  // before its completion queues
}

VerbsProvider::VerbsProvider(const Settings& settings, const Layout& layout, Counters counters)
    : settings_(settings), layout_(layout), counters_(counters) {}

VerbsProvider::~VerbsProvider() = default;

bool VerbsProvider::open(Failure& failure) {
  if (!device_.open(settings_.address, settings_.device, settings_.gidIndex, failure)) return false;
  if (settings_.datagramBytes > device_.mtuBytes) {
    return refusedSettings(failure, "datagramBytes", settings_.datagramBytes,
                           static_cast<int>(device_.mtuBytes));
  }
  domain_.reset(ibv_alloc_pd(device_.context()));
  if (domain_ == nullptr)
    return failCall(failure, "ibv_alloc_pd", errno, "the device has no protection domain left");
  region_.reset(ibv_reg_mr(domain_.get(), layout_.base, layout_.bytes, IBV_ACCESS_LOCAL_WRITE));
  if (region_ == nullptr)
    return failCall(failure, "ibv_reg_mr", errno, lockedMemoryAdvice(layout_.bytes));
  channel_.reset(ibv_create_comp_channel(device_.context()));
  if (channel_ == nullptr) {
    return failCall(failure, "ibv_create_comp_channel", errno,
                    "the device has no completion channel left");
  }
  const int flags = fcntl(channel_->fd, F_GETFL);
  if (fcntl(channel_->fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return failCall(failure, "fcntl", errno, "the completion channel cannot be polled");
  }
  for (uint32_t queue = 0; queue < settings_.queues.size(); queue++) {
    if (!openQueue(queue, failure)) return false;
  }
  return true;
}

bool VerbsProvider::openQueue(uint32_t index, Failure& failure) {
  const QueueSettings& settings = settings_.queues[index];
  ibv_device_attr limits{};
  if (const int error = ibv_query_device(device_.context(), &limits); error != 0) {
    return failCall(failure, "ibv_query_device", error, "the device does not tell its limits");
  }
  const int slotsMax = std::min(limits.max_qp_wr, limits.max_cqe);
  if (settings.rxSlots > static_cast<uint32_t>(slotsMax)) {
    return refusedSettings(failure, "rxSlots", settings.rxSlots, slotsMax);
  }
  const Fault fault(settings_.dropRatio, settings_.dropSeed, index);
  auto queue = std::make_unique<VerbsQueue>(
      RxGate(layout_.base, layout_.rxRows(index), settings.rxSlots, settings_.datagramBytes,
             settings_.cluster, counters_, fault));
  queue->txDepth = std::min(TX_DEPTH_WANTED, static_cast<uint32_t>(slotsMax));
  if (queue->txDepth < 2 * SIGNAL_EVERY)
    return refusedSettings(failure, "the send queue", 2 * SIGNAL_EVERY, slotsMax);
  queue->receives.reset(ibv_create_cq(device_.context(), static_cast<int>(settings.rxSlots),
                                      nullptr, channel_.get(), 0));
  queue->sends.reset(
      ibv_create_cq(device_.context(), static_cast<int>(queue->txDepth), nullptr, nullptr, 0));
  if (queue->receives == nullptr || queue->sends == nullptr) {
    return failCall(failure, "ibv_create_cq", errno, "the device has no completion queue left");
  }
  const bool good = openQueuePair(*queue, settings.rxSlots, failure) &&
                    startQueuePair(queue->qp.get(), device_.id->port_num, failure) &&
                    prepareReceives(*queue, index, failure) &&
                    receiveGroups(*queue, settings, failure);
  if (good) queues_.push_back(std::move(queue));
  return good;
}

QueuePair createQueuePair(ibv_pd* domain, ibv_qp_init_attr& attributes) {
  QueuePair qp;
  for (const uint32_t inlineBytes : {INLINE_WANTED, LENGTH_MIN, 0u}) {
    ibv_qp_init_attr tried = attributes;
    tried.cap.max_inline_data = inlineBytes;
    qp.reset(ibv_create_qp(domain, &tried));
    if (qp == nullptr) continue;
    attributes = tried;
    break;
  }
  return qp;
}

bool VerbsProvider::openQueuePair(VerbsQueue& queue, uint32_t rxSlots, Failure& failure) {
  ibv_qp_init_attr attributes{};
  attributes.qp_type = IBV_QPT_UD;
  attributes.send_cq = queue.sends.get();
  attributes.recv_cq = queue.receives.get();
  attributes.cap.max_send_wr = queue.txDepth;
  attributes.cap.max_recv_wr = rxSlots;
  attributes.cap.max_send_sge = 1;
  attributes.cap.max_recv_sge = 1;
  queue.qp = createQueuePair(domain_.get(), attributes);
  if (queue.qp == nullptr)
    return failCall(failure, "ibv_create_qp", errno,
                    "the device has no queue pair left: see 'rdma resource'");
  queue.inlineMax = attributes.cap.max_inline_data;
  queue.txWork.resize(queue.txDepth);
  queue.txPieces.resize(queue.txDepth);
  return true;
}

bool startQueuePair(ibv_qp* qp, uint8_t port, Failure& failure) {
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_INIT;
  attributes.pkey_index = 0;
  attributes.port_num = port;
  attributes.qkey = RDMA_UDP_QKEY;
  int error = ibv_modify_qp(qp, &attributes,
                            IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_QKEY);
  attributes.qp_state = IBV_QPS_RTR;
  if (error == 0) error = ibv_modify_qp(qp, &attributes, IBV_QP_STATE);
  attributes.qp_state = IBV_QPS_RTS;
  attributes.sq_psn = 0;
  if (error == 0) error = ibv_modify_qp(qp, &attributes, IBV_QP_STATE | IBV_QP_SQ_PSN);
  return error == 0 ||
         failCall(failure, "ibv_modify_qp", error, "the queue pair does not become ready");
}

bool VerbsProvider::prepareReceives(VerbsQueue& queue, uint32_t index, Failure& failure) {
  const uint32_t slots = settings_.queues[index].rxSlots;
  const uint64_t slotBytes = verbsSlotBytes(settings_.datagramBytes);
  queue.rxOffset = layout_.queues[index].rxOffset;
  queue.rxWork.resize(slots);
  queue.rxPieces.resize(slots);
  queue.stash.resize(slots);
  for (uint32_t slot = 0; slot < slots; slot++) {
    const uint64_t grh = queue.rxOffset + slot * slotBytes + RX_LEAD_BYTES - GRH_BYTES;
    queue.rxPieces[slot] = ibv_sge{reinterpret_cast<uintptr_t>(layout_.base + grh),
                                   GRH_BYTES + settings_.datagramBytes, region_->lkey};
    ibv_recv_wr& work = queue.rxWork[slot];
    work.wr_id = slot;
    work.sg_list = &queue.rxPieces[slot];
    work.num_sge = 1;
    work.next = slot + 1 < slots ? &queue.rxWork[slot + 1] : nullptr;
  }
  ibv_recv_wr* bad = nullptr;
  const int error = ibv_post_recv(queue.qp.get(), queue.rxWork.data(), &bad);
  if (error != 0)
    return failCall(failure, "ibv_post_recv", error, "the device takes no receive slots");
  queue.rxPosted = slots;
  return true;
}

uint32_t VerbsProvider::rxBytes(uint32_t queue) const {
  return settings_.queues[queue].rxSlots * settings_.datagramBytes;
}

bool VerbsProvider::local(uint32_t queue, QueueAddress& address, Failure&) {
  address = QueueAddress{};
  address.provider = "verbs";
  address.address = settings_.address;
  address.qpNumber = queues_[queue]->qp->qp_num;
  address.qkey = RDMA_UDP_QKEY;
  address.lid = device_.port.lid;
  address.gid = gidText(device_.gid);
  address.mtuBytes = device_.mtuBytes;
  return true;
}

std::unique_ptr<Provider> openVerbs(const Settings& settings, const Layout& layout,
                                    Counters counters, Failure& failure) {
  auto provider = std::make_unique<VerbsProvider>(settings, layout, counters);
  if (!provider->open(failure)) return nullptr;
  return provider;
}

uint64_t verbsRxBytes(const Settings& settings, const QueueSettings& queue) {
  return queue.rxSlots * verbsSlotBytes(settings.datagramBytes);
}

}  // namespace endpoint

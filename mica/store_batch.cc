/**
 * Batches in three staggered passes: while one request executes, the item of a later one and the
 * bucket of a still later one are on their way. Memory is kept busy all the time, which three
 * passes one after another would not do. Requests execute in order.
 */
#include "store.h"

namespace mica {

namespace {

/** Requests between two passes: enough to cover a miss, few enough for a core's fill buffers. */
constexpr uint32_t AHEAD = 12;

template <typename Request, typename Execute>
inline void executeAll(const Store& store, Request* requests, uint32_t count, Execute execute) {
  for (uint64_t step = 0; step < uint64_t{count} + 2 * AHEAD; ++step) {
    if (step < count) store.prefetchBucket(requests[step].hash);
    if (step >= AHEAD && step - AHEAD < count) store.prefetchItem(requests[step - AHEAD].hash);
    if (step >= 2 * AHEAD) execute(requests[step - 2 * AHEAD]);
  }
}

}  // namespace

void Store::setBatch(SetRequest* requests, uint32_t count) {
  executeAll(*this, requests, count, [this](SetRequest& request) {
    request.outcome = set(request.hash, request.key, request.keyBytes, request.value,
                          request.valueBytes, request.attributes);
  });
}

void Store::getBatch(GetRequest* requests, uint32_t count) const {
  executeAll(*this, requests, count, [this](GetRequest& request) {
    request.hit = find(request.hash, request.key, request.keyBytes, request.found);
  });
}

}  // namespace mica

// What an endpoint counts. The same list stands in src/transport/endpoint.ts; a test compares the
// two.
#pragma once

#include <atomic>
#include <cstdint>

namespace endpoint {

#define ENDPOINT_COUNTERS(X)                      \
  X(txDatagrams, "tx-datagrams")                  \
  X(txBytes, "tx-bytes")                          \
  X(txCalls, "tx-calls")                          \
  X(txRefused, "tx-refused")                      \
  X(txInline, "tx-inline")                        \
  X(txSignalled, "tx-signalled")                  \
  X(rxDatagrams, "rx-datagrams")                  \
  X(rxBytes, "rx-bytes")                          \
  X(rxCalls, "rx-calls")                          \
  X(rxEmpty, "rx-empty")                          \
  X(waitCalls, "wait-calls")                      \
  X(waitBlocked, "wait-blocked")                  \
  X(systemCalls, "system-calls")                  \
  X(droppedTruncated, "dropped-truncated")        \
  X(droppedMisaligned, "dropped-misaligned")      \
  X(droppedBadMagic, "dropped-bad-magic")         \
  X(droppedBadVersion, "dropped-bad-version")     \
  X(droppedBadLength, "dropped-bad-length")       \
  X(droppedBadChecksum, "dropped-bad-checksum")   \
  X(droppedWrongCluster, "dropped-wrong-cluster") \
  X(droppedByFault, "dropped-by-fault")           \
  X(droppedNoRoom, "dropped-no-room")             \
  X(completionErrors, "completion-errors")        \
  X(beatsSent, "beats-sent")

enum class Counter : uint32_t {
#define ENDPOINT_COUNTER_ID(id, name) id,
  ENDPOINT_COUNTERS(ENDPOINT_COUNTER_ID)
#undef ENDPOINT_COUNTER_ID
};

inline constexpr const char* COUNTER_NAMES[] = {
#define ENDPOINT_COUNTER_NAME(id, name) name,
    ENDPOINT_COUNTERS(ENDPOINT_COUNTER_NAME)
#undef ENDPOINT_COUNTER_NAME
};
inline constexpr uint32_t COUNTERS = sizeof(COUNTER_NAMES) / sizeof(COUNTER_NAMES[0]);

// Doubles, because JavaScript reads them where they lie; exact up to 2^53.
class Counters {
 public:
  explicit Counters(double* values) : values_(values) {}
  void add(Counter counter, double amount = 1) {
    values_[static_cast<uint32_t>(counter)] += amount;
  }
  // For a counter that a thread of the endpoint raises while its owner may read it.
  void addShared(Counter counter, double amount) {
    std::atomic_ref<double>(values_[static_cast<uint32_t>(counter)])
        .fetch_add(amount, std::memory_order_relaxed);
  }

 private:
  double* values_;
};

}  // namespace endpoint

/**
 * What the machine counts. The order is MACHINE_COUNTERS of src/store/machine.ts; a test compares
 * them.
 */
#pragma once

#include <cstdint>

namespace machine {

inline constexpr const char* COUNTER_NAMES[] = {
    "items",
    "store-bytes",
    "resident-bytes",
    "sessions",
    "pending-records",
    "reply-slots-free",
    "requests",
    "request-records",
    "reads",
    "reads-parked",
    "reads-overtaken",
    "writes-taken",
    "writes-forwarded",
    "writes-applied",
    "writes-duplicate",
    "writes-gap",
    "writes-refused-full",
    "writes-refused-log",
    "writes-refused-session",
    "writes-failed",
    "sessions-opened",
    "sessions-closed",
    "sessions-expired",
    "entries-packed",
    "entries-applied",
    "records-applied",
    "replies",
    "replies-overflowed",
    "malformed",
    "items-expiring",
    "items-evicted",
    "items-reclaimed",
};
inline constexpr uint32_t COUNTERS = sizeof(COUNTER_NAMES) / sizeof(COUNTER_NAMES[0]);

/** Never called: not being constexpr, it stops the compiler at a name that is not in the list. */
inline void noSuchCounter() {}

/** Index by name at compile time. */
consteval uint32_t counterIndex(const char* name) {
  for (uint32_t i = 0; i < COUNTERS; ++i) {
    const char* a = COUNTER_NAMES[i];
    const char* b = name;
    while (*a != 0 && *a == *b) ++a, ++b;
    if (*a == *b) return i;
  }
  noSuchCounter();
  return COUNTERS;
}

namespace counter {
inline constexpr uint32_t ITEMS = counterIndex("items");
inline constexpr uint32_t STORE_BYTES = counterIndex("store-bytes");
inline constexpr uint32_t RESIDENT_BYTES = counterIndex("resident-bytes");
inline constexpr uint32_t SESSIONS = counterIndex("sessions");
inline constexpr uint32_t PENDING_RECORDS = counterIndex("pending-records");
inline constexpr uint32_t REPLY_SLOTS_FREE = counterIndex("reply-slots-free");
inline constexpr uint32_t REQUESTS = counterIndex("requests");
inline constexpr uint32_t REQUEST_RECORDS = counterIndex("request-records");
inline constexpr uint32_t READS = counterIndex("reads");
inline constexpr uint32_t READS_PARKED = counterIndex("reads-parked");
inline constexpr uint32_t READS_OVERTAKEN = counterIndex("reads-overtaken");
inline constexpr uint32_t WRITES_TAKEN = counterIndex("writes-taken");
inline constexpr uint32_t WRITES_FORWARDED = counterIndex("writes-forwarded");
inline constexpr uint32_t WRITES_APPLIED = counterIndex("writes-applied");
inline constexpr uint32_t WRITES_DUPLICATE = counterIndex("writes-duplicate");
inline constexpr uint32_t WRITES_GAP = counterIndex("writes-gap");
inline constexpr uint32_t WRITES_REFUSED_FULL = counterIndex("writes-refused-full");
inline constexpr uint32_t WRITES_REFUSED_LOG = counterIndex("writes-refused-log");
inline constexpr uint32_t WRITES_REFUSED_SESSION = counterIndex("writes-refused-session");
inline constexpr uint32_t WRITES_FAILED = counterIndex("writes-failed");
inline constexpr uint32_t SESSIONS_OPENED = counterIndex("sessions-opened");
inline constexpr uint32_t SESSIONS_CLOSED = counterIndex("sessions-closed");
inline constexpr uint32_t SESSIONS_EXPIRED = counterIndex("sessions-expired");
inline constexpr uint32_t ENTRIES_PACKED = counterIndex("entries-packed");
inline constexpr uint32_t ENTRIES_APPLIED = counterIndex("entries-applied");
inline constexpr uint32_t RECORDS_APPLIED = counterIndex("records-applied");
inline constexpr uint32_t REPLIES = counterIndex("replies");
inline constexpr uint32_t REPLIES_OVERFLOWED = counterIndex("replies-overflowed");
inline constexpr uint32_t MALFORMED = counterIndex("malformed");
inline constexpr uint32_t ITEMS_EXPIRING = counterIndex("items-expiring");
inline constexpr uint32_t ITEMS_EVICTED = counterIndex("items-evicted");
inline constexpr uint32_t ITEMS_RECLAIMED = counterIndex("items-reclaimed");
}  // namespace counter

/** Doubles, so that JavaScript reads them in place. */
class Counters {
 public:
  explicit Counters(double* values) : values_(values) {}
  void add(uint32_t index, uint64_t count) { values_[index] += static_cast<double>(count); }
  void set(uint32_t index, uint64_t value) { values_[index] = static_cast<double>(value); }
  double get(uint32_t index) const { return values_[index]; }

 private:
  double* values_;
};

}  // namespace machine

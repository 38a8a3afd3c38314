// Beats: a thread that sends one prepared datagram to its places at a steady period, whatever
// JavaScript is doing, and writes into it how long ago the endpoint's owner was last seen.
//
// Who owns what when: the owner (the endpoint's thread) changes, forgets and closes; one lock
// stands between it and the beats' thread, which holds it while it sends. So when a call returns,
// nothing older is sent any more, and what the call took away is used by nobody. The time at which
// the owner was seen is an atomic beside the lock: saying it never waits.
#pragma once

#include <pthread.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "machine/wire.h"
#include "verbs-addon/counters.h"
#include "verbs-addon/failure.h"

namespace endpoint {

inline constexpr uint32_t BEAT_PLACES_MAX = 64;
inline constexpr uint32_t BEAT_MICROS_MIN = 100;
inline constexpr uint32_t BEAT_MICROS_MAX = 60'000'000;
// What lies before is what a receiver validates.
inline constexpr uint32_t BEAT_AGE_FROM = offsetof(wire::Header, sender);

// Where beats go, and how: made by a provider, used under the beats' lock.
class BeatSender {
 public:
  virtual ~BeatSender() = default;
  // On the beats' thread. Returns how many places took it.
  virtual uint32_t send(const uint8_t* datagram, uint32_t bytes) = 0;
  // Sends there no more, and uses nothing that belongs to it.
  virtual void forget(uint32_t destination) = 0;
};

class Beats {
 public:
  explicit Beats(Counters counters) : counters_(counters) {}
  Beats(const Beats&) = delete;
  Beats& operator=(const Beats&) = delete;
  ~Beats() { close(); }

  // Makes the thread. Idempotent.
  bool start(Failure& failure);
  // A datagram of which beatFits() said that it is one. It leaves at once, or a period after the last
  // beat: however often this is called, beats are neither delayed by it nor more.
  void set(std::vector<uint8_t> datagram, uint32_t ageOffset, uint32_t periodMicros,
           std::unique_ptr<BeatSender> sender);
  void stop();
  void forget(uint32_t destination);
  // Ends the thread. Idempotent.
  void close();

  // The owner's sign of life. CLOCK_MONOTONIC, some 25 ns: the coarse clock moves only every 1 to
  // 10 ms, which is as long as what its readers want to tell apart.
  void seen() { seen_.store(nanosNow(), std::memory_order_relaxed); }
  // Whoever waits is not stuck: until it is seen again it is as if it were seen now.
  void enterWait() { seen_.store(IN_WAIT, std::memory_order_relaxed); }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int64_t IN_WAIT = std::numeric_limits<int64_t>::max();

  static int64_t nanosNow() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
  static void* enter(void* beats);
  void run();
  void sendRound();
  uint32_t ageMicros() const;

  Counters counters_;
  std::atomic<int64_t> seen_{nanosNow()};
  static_assert(std::atomic<int64_t>::is_always_lock_free);

  pthread_t thread_{};
  bool started_ = false;  // the owner's

  std::mutex lock_;
  std::condition_variable changed_;
  bool closing_ = false;
  std::unique_ptr<BeatSender> sender_;  // null while stopped
  std::vector<uint8_t> datagram_;
  uint32_t ageOffset_ = 0;
  Clock::duration period_{};
  Clock::time_point last_ = Clock::time_point::min();  // when the last round was to be sent
};

// Whether this can be sealed and sent with its age at `ageOffset`.
bool beatFits(const std::vector<uint8_t>& datagram, uint32_t ageOffset);

}  // namespace endpoint

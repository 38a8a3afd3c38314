#include "verbs-addon/beats.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>

#include "machine/assert.h"
#include "verbs-addon/validate.h"

namespace endpoint {

namespace {

constexpr int NICE = -10;  // a late beat is taken for a dead replica; one round costs microseconds

}  // namespace

bool beatFits(const std::vector<uint8_t>& datagram, uint32_t ageOffset) {
  if (datagram.size() < LENGTH_MIN) return false;
  const uint32_t length = wire::load<wire::Header>(datagram.data()).length;
  return lengthFits(length, static_cast<uint32_t>(datagram.size())) &&
         ageOffset % sizeof(uint32_t) == 0 && ageOffset >= BEAT_AGE_FROM &&
         uint64_t{ageOffset} + sizeof(uint32_t) <= length - wire::TAG_BYTES;
}

// Signals are for the threads of JavaScript: one of them may be waiting to be interrupted.
bool Beats::start(Failure& failure) {
  if (started_) return true;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&thread_, nullptr, enter, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0)
    return failCall(failure, "pthread_create", error,
                    "no thread left for beats: raise the limit 'ulimit -u'");
  started_ = true;
  return true;
}

void Beats::set(std::vector<uint8_t> datagram, uint32_t ageOffset, uint32_t periodMicros,
                std::unique_ptr<BeatSender> sender) {
  const std::lock_guard<std::mutex> held(lock_);
  const bool stopped = sender_ == nullptr;
  const Clock::duration before = period_;
  datagram_ = std::move(datagram);
  ageOffset_ = ageOffset;
  period_ = std::chrono::microseconds(periodMicros);
  if (stopped) last_ = std::max(last_, Clock::now() - period_);
  sender_ = std::move(sender);
  if (stopped || period_ < before) changed_.notify_one();  // else it wakes early enough by itself
}

void Beats::stop() {
  const std::lock_guard<std::mutex> held(lock_);
  sender_.reset();
}

void Beats::forget(uint32_t destination) {
  const std::lock_guard<std::mutex> held(lock_);
  if (sender_ != nullptr) sender_->forget(destination);
}

void Beats::close() {
  if (!started_) return;
  {
    const std::lock_guard<std::mutex> held(lock_);
    closing_ = true;
    changed_.notify_one();
  }
  pthread_join(thread_, nullptr);
  started_ = false;
  sender_.reset();
}

void* Beats::enter(void* beats) {
  pthread_setname_np(pthread_self(), "zabkv-beats");
  // Of this thread alone, on Linux. Refused without privileges, and then it beats as it is.
  setpriority(PRIO_PROCESS, 0, NICE);
  static_cast<Beats*>(beats)->run();
  return nullptr;
}

// Sleeps until a deadline of the monotonic clock, never for a time, so that periods do not drift;
// on the condition, so that a change or the end is not slept through.
void Beats::run() {
  std::unique_lock<std::mutex> held(lock_);
  while (!closing_) {
    if (sender_ == nullptr) {
      changed_.wait(held);
      continue;
    }
    const Clock::time_point due = last_ + period_;
    const Clock::time_point now = Clock::now();
    if (now < due) {
      changed_.wait_until(held, due);
      continue;
    }
    sendRound();
    last_ = due + (now - due) / period_ * period_;  // what was slept through is not made up for
  }
}

void Beats::sendRound() {
  const uint32_t bytes = static_cast<uint32_t>(datagram_.size());
  wire::store<uint32_t>(datagram_.data() + ageOffset_, ageMicros());
  machine::require(seal(datagram_.data(), bytes),
                   "beats: what is sent was found to fit when it was set");
  counters_.addShared(Counter::beatsSent, sender_->send(datagram_.data(), bytes));
}

uint32_t Beats::ageMicros() const {
  const int64_t seen = seen_.load(std::memory_order_relaxed);
  const int64_t now = nanosNow();
  if (seen >= now) return 0;
  return static_cast<uint32_t>(std::min<int64_t>((now - seen) / 1000, UINT32_MAX));
}

}  // namespace endpoint

#include "wal/writer.h"

#include <unistd.h>

#include <chrono>

namespace wal {

namespace {

constexpr uint64_t RETRY_MICROS = 100'000;
constexpr uint64_t ASYNC_SYNC_MICROS = 1'000'000;
constexpr uint64_t IDLE_BUDGET_BYTES = 128 << 10;

}  // namespace

Writer::Writer(const WriterSettings& settings, Disk& disk, Counts counts)
    : settings_(settings),
      counts_(counts),
      snapshots_(settings.segments.directory, settings.segments.identity, disk, counts),
      segments_(settings.segments, disk, counts) {}

bool Writer::create() {
  const uint64_t half = settings_.bufferBytes / 2;
  return filling_.create(half) && group_.create(half) &&
         snapshots_.create(settings_.snapshotBufferBytes / 2);
}

// --- the replica's thread

void Writer::start(const Position& position) {
  position_ = position;
  firstOrdinal_ = written_ = synced_ = position.ordinal;
  syncedMicros_ = microsNow();
  thread_ = std::thread([this] { run(); });
}

void Writer::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    isStopping_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

bool Writer::append(RecordHeader header, const uint8_t* payload) {
  const uint64_t bytes = recordBytes(header.payloadBytes);
  header.ordinal = firstOrdinal_ + appended_ + 1;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (isEnding()) return false;
  if (!filling_.hasRoom(bytes)) {
    counts_.add(Counter::bufferFull);
    if (!isFlushed_) ready_.notify_one();
    isFlushed_ = true;
    return false;
  }
  filling_.append(header, payload, header.payloadBytes, bytes);
  ++appended_;
  return true;
}

void Writer::flush() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (isFlushed_ || filling_.used() == 0) return;
  isFlushed_ = true;
  ready_.notify_one();
}

void Writer::kick() {
  const std::lock_guard<std::mutex> lock(mutex_);
  isKicked_ = true;
  ready_.notify_one();
}

std::string Writer::error() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return error_;
}

// --- the writer's thread

void Writer::run() {
  makeReady(0);
  for (;;) {
    await();
    if (group_.used() != 0) commit();
    if (isEnding()) break;
    serveSnapshots();
    syncWhenDue();
    makeReady(isIdle() ? IDLE_BUDGET_BYTES : 0);
    if (stops_ && (group_.used() == 0 || status() == status::FULL)) break;
  }
  snapshots_.fail();
  wake();
  segments_.close();
}

/** Until there is something to do; takes what was flushed. */
void Writer::await() {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto isDue = [this] { return isFlushed_ || isKicked_ || isStopping_; };
  if (segments_.hasNext() && !segments_.isPrepared()) {
    // There is always something to do.
  } else if (segments_.isDirty() || !segments_.hasNext()) {
    const uint64_t micros = segments_.hasNext() ? ASYNC_SYNC_MICROS : RETRY_MICROS;
    ready_.wait_for(lock, std::chrono::microseconds(micros), isDue);
  } else {
    ready_.wait(lock, isDue);
  }
  stops_ = isStopping_;
  isKicked_ = false;
  if (group_.used() != 0 || !(isFlushed_ || stops_)) return;
  isFlushed_ = false;
  group_.swap(filling_);
}

/**
 * Gives the records from `from` on that fit the current segment their checksums; returns the end
 * of them. They are in order, and none is sealed twice.
 */
uint64_t Writer::seal(uint64_t from) {
  uint64_t at = from;
  while (at < group_.used()) {
    uint8_t* const record = group_.at(at);
    RecordHeader header;
    std::memcpy(&header, record, sizeof header);
    const uint64_t bytes = recordBytes(header.payloadBytes);
    if (!segments_.fits(at - from + bytes)) break;
    require(header.ordinal == position_.ordinal + 1, "seal: records follow each other");
    header.before = position_.chain;
    header.durable = synced_;
    std::memcpy(record, &header, sizeof header);
    header.chain = recordChecksum(record, bytes);
    std::memcpy(record, &header.chain, sizeof header.chain);
    position_.follow(header);
    counts_.add(Counter::records);
    at += bytes;
  }
  counts_.add(Counter::bytes, at - from);
  return at;
}

/** Does it until it is done, while it fails for room only. False: it will not be done. */
template <typename Action>
bool Writer::persist(Action action) {
  for (;;) {
    const Done done = action();
    if (done == Done::yes) {
      if (status() == status::FULL) enter(status::FINE);
      return true;
    }
    if (done == Done::failed) {
      fail();
      return false;
    }
    enter(status::FULL);
    counts_.add(Counter::waitsForSpace);
    if (!waitForSpace()) return false;
  }
}

/** A snapshot that ends now may delete what takes the room. False: the log is being closed. */
bool Writer::waitForSpace() {
  serveSnapshots();
  std::unique_lock<std::mutex> lock(mutex_);
  const auto isStopping = [this] { return isStopping_; };
  ready_.wait_for(lock, std::chrono::microseconds(RETRY_MICROS), isStopping);
  stops_ = isStopping_;
  return !stops_;
}

void Writer::commit() {
  counts_.add(Counter::groups);
  for (uint64_t at = 0; at < group_.used();) {
    const uint64_t end = seal(at);
    if (end == at) {
      if (!persist([this] { return segments_.finish(); })) return;
      synced_ = written_;
      publish();
      if (!persist([this] { return segments_.roll(position_); })) return;
      continue;
    }
    const uint64_t bytes = end - at;
    if (!persist([this, at, bytes] { return segments_.write(group_.at(at), bytes); })) return;
    written_ = position_.ordinal;
    at = end;
  }
  group_.clear();
  syncWhenDue();
  publish();
}

bool Writer::isIdle() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !isFlushed_ && !isKicked_ && !isStopping_;
}

void Writer::syncWhenDue() {
  if (isEnding() || !segments_.isDirty()) return;
  const bool isDue = stops_ || microsNow() - syncedMicros_ >= ASYNC_SYNC_MICROS;
  if (!settings_.isSync && !isDue) return;
  if (segments_.sync() != Done::yes) return fail();
  synced_ = written_;
  syncedMicros_ = microsNow();
}

void Writer::publish() {
  const uint64_t ordinal = settings_.isSync ? synced_ : written_;
  if (isEnding() || ordinal - firstOrdinal_ == durable()) return;
  durable_.store(ordinal - firstOrdinal_, std::memory_order_release);
  wake();
}

/** The next segment, ahead of its need. It is filled with zeros while there is nothing else to do. */
void Writer::makeReady(uint64_t budgetBytes) {
  if (isEnding() || stops_ || segments_.isPrepared()) return;
  if (!segments_.hasNext() && microsNow() - triedMicros_ < RETRY_MICROS) return;
  switch (segments_.prepare(budgetBytes)) {
    case Done::yes:
      if (status() == status::SPACE_LOW) enter(status::FINE);
      break;
    case Done::full:
      triedMicros_ = microsNow();
      if (status() == status::FINE) enter(status::SPACE_LOW);
      break;
    case Done::failed:
      fail();
      break;
  }
}

void Writer::serveSnapshots() {
  while (!isEnding() && snapshots_.hasWork()) {
    if (snapshots_.work(segments_)) wake();
    const std::lock_guard<std::mutex> lock(mutex_);
    // Records go first, unless they wait for room; what is left is seen next time.
    if (isFlushed_ && status() != status::FULL) return;
  }
}

void Writer::enter(uint32_t status) {
  if (this->status() == status) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    error_.clear();
    if (status == status::FULL)
      error_ = "no room for the log in " + settings_.segments.directory +
               ": make room on that file system; nothing is lost, and it goes on by itself";
    if (status == status::SPACE_LOW)
      error_ = "no room for the next segment of the log in " + settings_.segments.directory +
               ": make room on that file system before the current segment is full";
  }
  status_.store(status, std::memory_order_release);
  wake();
}

void Writer::fail() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    error_ = segments_.failure().sentence;
  }
  status_.store(status::FAILED, std::memory_order_release);
  wake();
}

void Writer::wake() {
  if (settings_.wake < 0) return;
  const uint64_t one = 1;
  const ssize_t done = ::write(settings_.wake, &one, sizeof one);
  static_cast<void>(done);  // refused only when it is signalled far more often than it was read
}

}  // namespace wal

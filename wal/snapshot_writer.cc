#include "wal/snapshot_writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

namespace wal {

namespace {

/** Synchronised in pieces, so that a group of records never waits for all of a snapshot. */
constexpr uint64_t SYNC_BYTES = 4 << 20;
constexpr size_t KEPT = 2;

}  // namespace

void SnapshotWriter::begin(const SnapshotName& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  require(!order_.isActive, "snapshotBegin: the one before is finished or abandoned");
  order_ = {order_.generation + 1, !isOver_, false, name};
  filling_.clear();
  wasRefused_ = false;
  const uint32_t state = isOver_ ? snapshot_state::FAILED : snapshot_state::WRITING;
  state_.store(state, std::memory_order_release);
}

bool SnapshotWriter::part(const uint8_t* from, uint32_t bytes) {
  const uint64_t wholeBytes = sizeof(PartHeader) + padded(bytes);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!order_.isActive || order_.isFinishing) return false;
  if (!filling_.hasRoom(wholeBytes)) {
    wasRefused_ = true;
    return false;
  }
  const PartHeader header{0, bytes, 0};
  filling_.append(header, from, bytes, wholeBytes);
  return true;
}

void SnapshotWriter::finish() {
  const std::lock_guard<std::mutex> lock(mutex_);
  order_.isFinishing = order_.isActive;
}

void SnapshotWriter::abandon() {
  const std::lock_guard<std::mutex> lock(mutex_);
  order_ = {order_.generation + 1, false, false, {}};
  filling_.clear();
  state_.store(snapshot_state::NONE, std::memory_order_release);
}

bool SnapshotWriter::hasWork() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (order_.isActive) return filling_.used() != 0 || order_.isFinishing;
  return file_.isOpen();
}

bool SnapshotWriter::work(Segments& segments) {
  Order order;
  bool wasRefused = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    order = order_;
    writing_.clear();
    if (order.isActive) filling_.swap(writing_);
    wasRefused = wasRefused_;
    wasRefused_ = false;
  }
  if (file_.isOpen() && fileGeneration_ != order.generation) drop();
  if (!order.isActive) return false;
  const bool written = (file_.isOpen() || open(order)) && writeParts();
  if (written && !order.isFinishing) return wasRefused;
  if (written && complete(order)) {
    prune(segments);
    end(order, snapshot_state::FINISHED);
  } else {
    drop();
    end(order, snapshot_state::FAILED);
  }
  return true;
}

void SnapshotWriter::fail() {
  drop();
  Order order;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    order = order_;
    isOver_ = true;
  }
  if (order.isActive) end(order, snapshot_state::FAILED);
}

bool SnapshotWriter::open(const Order& order) {
  partPath_ = inDirectory(directory_, snapshotName(order.name) + ".part");
  file_ = File::open(partPath_, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file_.isOpen()) return false;
  fileGeneration_ = order.generation;
  offset_ = 0;
  unsynced_ = 0;
  index_ = 0;
  SnapshotHeader header{};
  header.magic = SNAPSHOT_MAGIC;
  header.version = FORMAT_VERSION;
  header.replica = identity_.replica;
  header.cluster = clusterHash(identity_.cluster);
  header.counter = order.name.counter;
  header.epoch = order.name.epoch;
  header.checksum = headerChecksum(header);
  chain_ = header.checksum;
  return write(&header, sizeof header);
}

bool SnapshotWriter::write(const void* from, uint64_t bytes) {
  uint64_t done = 0;
  if (!writeAt(disk_, file_.descriptor(), static_cast<const uint8_t*>(from), bytes, offset_, done))
    return false;
  offset_ += bytes;
  unsynced_ += bytes;
  counts_.add(Counter::snapshotBytes, bytes);
  if (unsynced_ < SYNC_BYTES) return true;
  unsynced_ = 0;
  return disk_.sync(file_.descriptor()) == 0;
}

bool SnapshotWriter::writeParts() {
  for (uint64_t at = 0; at < writing_.used();) {
    uint8_t* const part = writing_.at(at);
    PartHeader header;
    std::memcpy(&header, part, sizeof header);
    header.index = index_++;
    std::memcpy(part, &header, sizeof header);
    const uint64_t bytes = sizeof header + padded(header.bytes);
    chain_ = mica::hash64(part + 8, bytes - 8, chain_);
    std::memcpy(part, &chain_, sizeof chain_);
    at += bytes;
  }
  return writing_.used() == 0 || write(writing_.at(0), writing_.used());
}

bool SnapshotWriter::complete(const Order& order) {
  PartHeader last{0, 0, index_};
  last.chain = mica::hash64(&last.bytes, sizeof last - 8, chain_);
  if (!write(&last, sizeof last) || disk_.sync(file_.descriptor()) != 0) return false;
  const std::string path = inDirectory(directory_, snapshotName(order.name));
  if (rename(partPath_.c_str(), path.c_str()) != 0 || !syncDirectory(directory_)) return false;
  file_.close();
  counts_.add(Counter::snapshots);
  return true;
}

void SnapshotWriter::prune(Segments& segments) {
  Listing listing;
  Failure failure;
  if (!listDirectory(directory_, listing, failure) || listing.snapshots.size() < KEPT) return;
  const size_t older = listing.snapshots.size() - KEPT;
  for (size_t i = 0; i < older; ++i)
    unlink(inDirectory(directory_, snapshotName(listing.snapshots[i])).c_str());
  segments.deleteBefore(listing.snapshots[older].counter);
}

void SnapshotWriter::end(const Order& order, uint32_t state) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (order_.generation != order.generation) return;
  order_.isActive = false;
  filling_.clear();
  state_.store(state, std::memory_order_release);
}

void SnapshotWriter::drop() {
  if (!file_.isOpen()) return;
  file_.close();
  unlink(partPath_.c_str());
}

}  // namespace wal

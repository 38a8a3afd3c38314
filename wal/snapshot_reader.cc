#include "wal/snapshot_reader.h"

#include <fcntl.h>

#include <cstring>

namespace wal {

namespace {

constexpr uint32_t PART_BYTES_MAX = 1u << 30;

}  // namespace

int64_t SnapshotReader::damaged(const std::string& what) {
  problem_ = path_ + " is damaged at byte " + std::to_string(offset_) + ": " + what;
  return DAMAGED;
}

void SnapshotReader::rewind() {
  offset_ = sizeof header_;
  chain_ = header_.checksum;
  index_ = 0;
}

bool SnapshotReader::open(const std::string& directory, const std::string& cluster,
                          const SnapshotName& name) {
  path_ = inDirectory(directory, snapshotName(name));
  offset_ = 0;
  problem_.clear();
  file_ = File::open(path_, O_RDONLY);
  if (!file_.isOpen()) {
    damaged("it cannot be opened, " + why("open", errno));
    return false;
  }
  const int64_t bytes = readAt(file_.descriptor(), &header_, sizeof header_, 0);
  if (bytes != sizeof header_ || header_.magic != SNAPSHOT_MAGIC ||
      header_.checksum != headerChecksum(header_)) {
    damaged("its header is not good");
  } else if (header_.version != FORMAT_VERSION) {
    damaged("it has format " + std::to_string(header_.version));
  } else if (header_.counter != name.counter || header_.epoch != name.epoch) {
    damaged("its header says another name");
  } else if (header_.cluster != clusterHash(cluster)) {
    damaged("it belongs to another cluster");
  } else {
    rewind();
    return true;
  }
  file_.close();
  return false;
}

/** Reads the part at offset_ into `part`, with its header; its bytes. Does not move. */
int64_t SnapshotReader::next(std::string& part, uint64_t bytesMax) {
  PartHeader header;
  const int64_t got = readAt(file_.descriptor(), &header, sizeof header, offset_);
  if (got < 0) return damaged("it cannot be read, " + why("pread", errno));
  if (got != sizeof header) return damaged("it ends before its last part");
  if (header.bytes > PART_BYTES_MAX || header.index != index_)
    return damaged("the header of a part is not good");
  const uint64_t whole = sizeof header + padded(header.bytes);
  if (offset_ + whole > file_.bytes()) return damaged("it ends in the middle of a part");
  if (header.bytes > bytesMax) return NO_ROOM;
  part.resize(whole);
  const int64_t read = readAt(file_.descriptor(), part.data(), whole, offset_);
  if (read != static_cast<int64_t>(whole))
    return damaged("it cannot be read, " + why("pread", read < 0 ? errno : EIO));
  if (mica::hash64(part.data() + 8, whole - 8, chain_) != header.chain)
    return damaged("the checksum of a part is wrong");
  chain_ = header.chain;
  return header.bytes;
}

int64_t SnapshotReader::read(uint8_t* to, uint64_t bytesMax) {
  if (!file_.isOpen()) return DAMAGED;
  const int64_t bytes = next(buffer_, bytesMax);
  if (bytes <= 0) return bytes;
  if (to != nullptr)
    std::memcpy(to, buffer_.data() + sizeof(PartHeader), static_cast<size_t>(bytes));
  offset_ += buffer_.size();
  ++index_;
  return bytes;
}

bool SnapshotReader::verify() {
  int64_t bytes = 0;
  do {
    bytes = read(nullptr, PART_BYTES_MAX);
  } while (bytes > 0);
  rewind();
  return bytes == 0;
}

}  // namespace wal

/** Reads snapshots back, on the caller's thread. */
#pragma once

#include <string>

#include "wal/directory.h"

namespace wal {

class SnapshotReader {
 public:
  static constexpr int64_t DAMAGED = -1;
  static constexpr int64_t NO_ROOM = -2;

  /** False: it cannot be read, is not finished or its header is not good: see problem(). */
  bool open(const std::string& directory, const std::string& cluster, const SnapshotName& name);
  /** Reads all of it. True when it is good; then it stands at its beginning again. */
  bool verify();
  /** The next part, as it was handed in: its bytes; 0 at the end. */
  int64_t read(uint8_t* to, uint64_t bytesMax);
  const SnapshotHeader& header() const { return header_; }
  uint64_t bytes() const { return file_.bytes(); }
  const std::string& problem() const { return problem_; }
  void close() { file_.close(); }
  bool isOpen() const { return file_.isOpen(); }

 private:
  int64_t damaged(const std::string& what);
  void rewind();
  int64_t next(std::string& part, uint64_t bytesMax);

  std::string path_;
  File file_;
  SnapshotHeader header_{};
  uint64_t offset_ = 0;
  uint64_t chain_ = 0;
  uint32_t index_ = 0;
  std::string buffer_;  // a part as it lies
  std::string problem_;
};

}  // namespace wal

/** Files by descriptor: closed when they go out of scope, read and written in whole. */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wal/disk.h"

namespace wal {

class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(other.release()) {}
  File& operator=(File&& other) noexcept;
  ~File() { close(); }

  static File open(const std::string& path, int flags);
  bool isOpen() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  /** 0 when it cannot be asked. */
  uint64_t bytes() const;
  int release();
  void close();

 private:
  int descriptor_ = -1;
};

/** Bytes read at an offset: fewer than asked for at the file's end only; -1 and errno. */
int64_t readAt(int file, void* to, uint64_t bytes, uint64_t offset);
/** Writes from `done` on, which says how far it came when false (errno says why). */
bool writeAt(Disk& disk, int file, const uint8_t* from, uint64_t bytes, uint64_t offset,
             uint64_t& done);
/** Makes names in the directory durable. */
bool syncDirectory(const std::string& path);
bool exists(const std::string& path);
/** "pwrite: No space left on device". */
std::string why(const char* syscall, int error);

}  // namespace wal

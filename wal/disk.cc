#include "wal/disk.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace wal {

ssize_t Disk::write(int file, const void* from, size_t bytes, uint64_t offset) {
  return pwrite(file, from, bytes, static_cast<off_t>(offset));
}

int Disk::sync(int file) { return fdatasync(file); }

int Disk::allocate(int file, uint64_t bytes) {
  return fallocate(file, 0, 0, static_cast<off_t>(bytes));
}

int FaultyDisk::sync(int file) {
  if (left_ == 0 || --left_ != 0) return Disk::sync(file);
  errno = EIO;
  return -1;
}

uint64_t microsNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace wal

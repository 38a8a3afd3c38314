/**
 * The system calls by which data reaches the disk, in one place: a test puts faults here.
 *
 * On a DAX or persistent-memory mount a segment may be mapped and flushed by cache line instead of
 * written and synchronised: that would be another Disk.
 */
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace wal {

class Disk {
 public:
  virtual ~Disk() = default;
  virtual ssize_t write(int file, const void* from, size_t bytes, uint64_t offset);
  virtual int sync(int file);
  virtual int allocate(int file, uint64_t bytes);
};

/** Fault knob: the n-th sync of its life fails with EIO, once. */
class FaultyDisk final : public Disk {
 public:
  explicit FaultyDisk(uint32_t failingSync) : left_(failingSync) {}
  int sync(int file) override;

 private:
  uint32_t left_;
};

/** Microseconds of a clock that only goes forward. */
uint64_t microsNow();

}  // namespace wal

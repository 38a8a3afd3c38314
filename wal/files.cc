#include "wal/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace wal {

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = other.release();
  }
  return *this;
}

File File::open(const std::string& path, int flags) {
  return File(::open(path.c_str(), flags | O_CLOEXEC, 0644));
}

uint64_t File::bytes() const {
  struct stat status;
  return fstat(descriptor_, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

int File::release() {
  const int descriptor = descriptor_;
  descriptor_ = -1;
  return descriptor;
}

void File::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

int64_t readAt(int file, void* to, uint64_t bytes, uint64_t offset) {
  uint64_t done = 0;
  while (done < bytes) {
    const ssize_t got = pread(file, static_cast<uint8_t*>(to) + done, bytes - done,
                              static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<uint64_t>(got);
  }
  return static_cast<int64_t>(done);
}

bool writeAt(Disk& disk, int file, const uint8_t* from, uint64_t bytes, uint64_t offset,
             uint64_t& done) {
  while (done < bytes) {
    const ssize_t put = disk.write(file, from + done, bytes - done, offset + done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    done += static_cast<uint64_t>(put);
  }
  return true;
}

bool syncDirectory(const std::string& path) {
  const File directory = File::open(path, O_RDONLY | O_DIRECTORY);
  return directory.isOpen() && fsync(directory.descriptor()) == 0;
}

bool exists(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

std::string why(const char* syscall, int error) {
  return std::string(syscall) + ": " + std::strerror(error);
}

}  // namespace wal

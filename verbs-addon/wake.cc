#include "verbs-addon/wake.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace endpoint {

namespace {

constexpr const char* ADVICE = "no descriptors left: raise the limit 'ulimit -n'";

}  // namespace

bool Wake::open(Failure& failure) {
  if (descriptor_ < 0) descriptor_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return descriptor_ >= 0 || failCall(failure, "eventfd", errno, ADVICE);
}

bool Wake::duplicate(int descriptor, Failure& failure) {
  close();
  descriptor_ = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return descriptor_ >= 0 || failCall(failure, "fcntl", errno, "the endpoint to wake is not open");
}

void Wake::signal() {
  const uint64_t one = 1;
  const ssize_t done = write(descriptor_, &one, sizeof(one));
  static_cast<void>(done);  // refused only when it is signalled far more often than it was read
}

void Wake::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

bool takeWake(int descriptor) {
  uint64_t count = 0;
  return descriptor >= 0 && read(descriptor, &count, sizeof(count)) == sizeof(count);
}

}  // namespace endpoint

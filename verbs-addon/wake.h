// An eventfd that ends an endpoint's wait from another thread of the process.
//
// Who signals holds a duplicate of its own: what it writes to is this eventfd for as long as it
// holds it, also when the endpoint was closed meanwhile and the number was given to something else.
#pragma once

#include "verbs-addon/failure.h"

namespace endpoint {

class Wake {
 public:
  Wake() = default;
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  ~Wake() { close(); }

  // Idempotent.
  bool open(Failure& failure);
  // The same eventfd under a number of its own.
  bool duplicate(int descriptor, Failure& failure);
  void signal();
  void close();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// True when it was signalled since the last time; false for -1.
bool takeWake(int descriptor);

}  // namespace endpoint

// One piece of page-aligned memory for everything that is sent, received or kept: hugepages when
// there are any.
#pragma once

#include <cstdint>
#include <memory>

#include "verbs-addon/failure.h"

namespace endpoint {

class Slab {
 public:
  // Zeroed. Null and a failure when there is no such memory.
  static std::shared_ptr<Slab> create(uint64_t bytes, Failure& failure);
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  uint8_t* base() const { return base_; }
  uint64_t bytes() const { return bytes_; }
  bool hugepages() const { return hugepages_; }

 private:
  Slab(uint8_t* base, uint64_t bytes, uint64_t mapped, bool hugepages)
      : base_(base), bytes_(bytes), mapped_(mapped), hugepages_(hugepages) {}

  uint8_t* base_;
  uint64_t bytes_;
  uint64_t mapped_;
  bool hugepages_;
};

}  // namespace endpoint

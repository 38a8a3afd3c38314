/**
 * What a session is owed here: runs of writes on their way through the order, and reads behind
 * them.
 *
 * Nodes come in sizes of powers of two and are used again. One owner thread.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace machine {

struct Pending {
  Pending* next;
  uint64_t operation;  // session's number of the first operation
  uint64_t sequence;   // of the first write; of the next write, for reads
  uint32_t count;
  uint32_t dataBytes;  // reads: their operations follow this struct
  bool reads;
  uint8_t sizeClass;

  uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }
  uint64_t operationEnd() const { return operation + count; }
};

class PendingPool {
 public:
  PendingPool() = default;
  PendingPool(const PendingPool&) = delete;
  PendingPool& operator=(const PendingPool&) = delete;
  ~PendingPool();

  /** A node with room for `dataBytes`; the caller fills in the rest. */
  Pending* take(uint32_t dataBytes);
  void give(Pending* node);

  static uint32_t nodeBytes(const Pending& node) { return 1u << (BITS_MIN + node.sizeClass); }
  uint64_t taken() const { return taken_; }

 private:
  static constexpr uint32_t BITS_MIN = 6;
  static constexpr uint32_t BITS_MAX = 17;  // a whole datagram of reads
  static constexpr uint32_t CLASSES = BITS_MAX - BITS_MIN + 1;
  static constexpr uint32_t CHUNK_BYTES = 1u << BITS_MAX;

  void refill(uint32_t sizeClass);

  Pending* free_[CLASSES] = {};
  std::vector<std::unique_ptr<uint8_t[]>> chunks_;
  uint64_t taken_ = 0;
};

}  // namespace machine

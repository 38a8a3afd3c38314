#include "verbs-addon/slab.h"

#include <sys/mman.h>

#include <string>

namespace endpoint {

namespace {

constexpr uint64_t HUGEPAGE_BYTES = 2 << 20;

uint64_t roundUp(uint64_t bytes, uint64_t step) { return (bytes + step - 1) / step * step; }

// Reserved hugepages: the kernel takes them out of its pool here, so that a later touch cannot
// fail.
uint8_t* mapReserved(uint64_t mapped) {
  void* at = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  return at == MAP_FAILED ? nullptr : static_cast<uint8_t*>(at);
}

// Ordinary pages at a hugepage's boundary, so that transparent hugepages can back them.
uint8_t* mapOrdinary(uint64_t mapped) {
  const uint64_t wide = mapped + HUGEPAGE_BYTES;
  void* at = mmap(nullptr, wide, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return nullptr;
  uint8_t* start = static_cast<uint8_t*>(at);
  uint8_t* aligned =
      reinterpret_cast<uint8_t*>(roundUp(reinterpret_cast<uintptr_t>(start), HUGEPAGE_BYTES));
  if (aligned > start) munmap(start, static_cast<size_t>(aligned - start));
  uint8_t* end = start + wide;
  if (end > aligned + mapped) munmap(aligned + mapped, static_cast<size_t>(end - aligned - mapped));
  madvise(aligned, mapped, MADV_HUGEPAGE);  // advice: without it everything works, slower
  return aligned;
}

}  // namespace

std::shared_ptr<Slab> Slab::create(uint64_t bytes, Failure& failure) {
  const uint64_t mapped = roundUp(bytes, HUGEPAGE_BYTES);
  bool hugepages = true;
  uint8_t* base = mapReserved(mapped);
  if (base == nullptr) {
    hugepages = false;
    base = mapOrdinary(mapped);
  }
  if (base == nullptr) {
    failCall(
        failure, "mmap", errno,
        "no memory for a slab of " + std::to_string(bytes) + " bytes: lower the endpoint's sizes");
    return nullptr;
  }
  madvise(base, mapped, MADV_DONTFORK);  // a device's pages must not become copy-on-write
  return std::shared_ptr<Slab>(new Slab(base, bytes, mapped, hugepages));
}

Slab::~Slab() { munmap(base_, mapped_); }

}  // namespace endpoint

/**
 * Regions over mmap.
 *
 * The reservation is PROT_NONE, which no overcommit policy charges, and is opened by mprotect as it
 * fills. The first hugepage's worth uses small pages, so that a region with a few items stays
 * small; the rest asks for hugepages.
 */
#include "region.h"

#include <sys/mman.h>

#include <algorithm>

#include "assert.h"

namespace mica {

namespace {

size_t roundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

/** The memory that the kernel holds for so many used bytes. */
size_t backedBytes(size_t usedBytes) {
  return roundUp(usedBytes, usedBytes <= HUGEPAGE_BYTES ? PAGE_BYTES : HUGEPAGE_BYTES);
}

}  // namespace

bool Region::reserve(size_t bytes) {
  require(mapping_ == nullptr, "Region::reserve: a region is reserved once");
  const size_t reservedBytes = roundUp(std::max(bytes, size_t{1}), HUGEPAGE_BYTES);
  if (reservedBytes < bytes) return false;
  const size_t mappingBytes = reservedBytes + HUGEPAGE_BYTES;  // room to align
  void* mapping = mmap(nullptr, mappingBytes, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return false;
  mapping_ = mapping;
  mappingBytes_ = mappingBytes;
  reservedBytes_ = reservedBytes;
  base_ = reinterpret_cast<uint8_t*>(
      roundUp(reinterpret_cast<uintptr_t>(mapping), HUGEPAGE_BYTES));
  // Advice: a kernel without transparent hugepages refuses it, and all works on, slower.
  madvise(base_, HUGEPAGE_BYTES, MADV_NOHUGEPAGE);
  if (reservedBytes > HUGEPAGE_BYTES) {
    madvise(base_ + HUGEPAGE_BYTES, reservedBytes - HUGEPAGE_BYTES, MADV_HUGEPAGE);
  }
  return true;
}

Region::~Region() {
  if (mapping_ != nullptr) munmap(mapping_, mappingBytes_);
}

void Region::extend(size_t usedBytes) {
  const size_t heldBytes = backedBytes(usedBytes);
  require(heldBytes <= reservedBytes_, "Region::extend: the reservation covers every use");
  if (heldBytes > writableBytes_) {
    const size_t writableBytes = roundUp(heldBytes, HUGEPAGE_BYTES);
    const int refused = mprotect(base_ + writableBytes_, writableBytes - writableBytes_,
                                 PROT_READ | PROT_WRITE);
    // Refusing this write alone would make this replica differ from the others.
    require(refused == 0, "Region::extend: memory below the limit can be had");
    writableBytes_ = writableBytes;
  }
  heldBytes_ = heldBytes;
}

void Region::shrink(size_t usedBytes) {
  const size_t slack = std::clamp(usedBytes / 8, REGION_SLACK_BYTES_MIN, REGION_SLACK_BYTES_MAX);
  const size_t keepBytes = backedBytes(usedBytes + slack);
  if (heldBytes_ <= keepBytes + slack) return;
  const int refused = madvise(base_ + keepBytes, heldBytes_ - keepBytes, MADV_DONTNEED);
  require(refused == 0, "Region::shrink: our own private memory can be given back");
  heldBytes_ = keepBytes;
}

void Region::clear() {
  if (heldBytes_ == 0) return;
  const int refused = madvise(base_, heldBytes_, MADV_DONTNEED);
  require(refused == 0, "Region::clear: our own private memory can be given back");
  heldBytes_ = 0;
}

}  // namespace mica

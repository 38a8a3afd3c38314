/** How an operation went. */
#pragma once

#include "machine/wire.h"
#include "mica/store.h"

namespace machine {

/** `version` is of the item now there, or of the operation when it succeeded. */
struct Executed {
  uint32_t status;  // of Run (result_cache.h)
  uint64_t version;
};

/** wire::status by mica::Status. */
inline constexpr uint8_t STATUSES[] = {
    wire::status::OK,   wire::status::NOT_FOUND,  wire::status::EXISTS, wire::status::VERSION_MISMATCH,
    wire::status::FULL, wire::status::BAD_REQUEST};
static_assert(static_cast<uint32_t>(mica::Status::versionMismatch) == 3);
static_assert(static_cast<uint32_t>(mica::Status::tooLarge) == 5);

inline Executed executedOf(const mica::Outcome& outcome, uint64_t version) {
  if (outcome.status == mica::Status::ok) return {wire::status::OK, version};
  return {STATUSES[static_cast<uint32_t>(outcome.status)], outcome.version};
}

}  // namespace machine

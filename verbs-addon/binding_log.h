// What the bindings of the log and of its inspection share. The list of fields stands in
// src/store/log.ts, too; a test compares the two.
#pragma once

#include <napi.h>

#include <cstdint>

#include "wal/log.h"

namespace binding {

enum class LogField : uint32_t {
  counter, count, epoch, previous, time, committed, bytes, accepted, current, lastCounter, ordinal,
  cutBytes,
};
inline constexpr const char* LOG_FIELD_NAMES[] = {
    "counter",  "count",   "epoch",        "previous", "time",     "committed", "bytes",
    "accepted", "current", "last-counter", "ordinal",  "cut-bytes"};
inline constexpr uint32_t LOG_FIELDS = sizeof(LOG_FIELD_NAMES) / sizeof(LOG_FIELD_NAMES[0]);

void throwLogFailure(Napi::Env env, const wal::Failure& failure);
void showRecord(double* fields, const wal::Record& record, const wal::Position& position);

}  // namespace binding

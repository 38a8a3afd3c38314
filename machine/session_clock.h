/**
 * The time that sessions live by: how long the cluster has had a leader that went on, in microseconds.
 *
 * It follows the log's time from one entry to the next of the same epoch, and stands still from the
 * last entry of an epoch to the first of another: neither a failover nor leaders whose clocks differ
 * let a session expire. Replicated, so only what an entry says moves it.
 */
#pragma once

#include <algorithm>

#include "machine/wire.h"

namespace machine {

struct SessionClock {
  uint64_t micros = 0;
  uint64_t time = 0;   // of the last entry
  uint64_t epoch = 0;  // of the last entry; 0: none yet

  void advance(uint64_t entryTime, uint32_t entryEpoch) {
    if (entryEpoch == epoch && entryTime > time) {
      micros += std::min(entryTime - time, wire::COUNTER_MAX - micros);
    }
    time = entryTime;
    epoch = entryEpoch;
  }
};

}  // namespace machine

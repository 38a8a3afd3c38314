/**
 * The run of a load of one thread: which operation comes next, what was answered, and its phases. ZooKeeper's load is
 * driven by its library's threads and has its own.
 */
#pragma once

#include <optional>

#include "bench/native/load_options.h"

namespace bench {

struct Run {
  LoadOptions options;
  Random random{1};
  Tally tally{};
  Phase phase = Phase::preload;
  uint32_t preloaded = 0;
  uint32_t preloadAnswered = 0;
};

struct Drawn {
  uint32_t id;
  bool isWrite;
};

/** Nothing when all keys of the preload were asked for. */
inline std::optional<Drawn> draw(Run& run) {
  if (run.phase == Phase::preload) {
    if (run.preloaded == run.options.keys) return std::nullopt;
    return Drawn{run.preloaded++, true};
  }
  const uint32_t id = run.random.below(run.options.keys);
  return Drawn{id, run.random.below(1000) < run.options.writesOf1000};
}

/**
 * The preload, unless the keys are there; then warm-up and measurement, and the line that says what was measured.
 * `start` fills every connection's window. Returns the process's exit code.
 */
template <typename Start, typename Turn>
int drive(Run& run, Start start, Turn turn) {
  if (run.options.preload) {
    start();
    while (run.preloadAnswered < run.options.keys) turn();
  }
  run.phase = Phase::run;
  start();
  const double seconds = keepFor(run.options.warmUp, run.options.seconds, run.tally, turn);
  printTally(run.tally, seconds);
  return run.tally.errors == 0 ? 0 : 1;
}

}  // namespace bench

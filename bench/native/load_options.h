/** What the loads against peers are told, alike for all of them. */
#pragma once

#include "bench/native/measure.h"

namespace bench {

struct LoadOptions {
  std::vector<Place> servers;
  uint32_t keys;
  uint32_t valueBytes;
  uint32_t writesOf1000;
  uint32_t connections;
  uint32_t outstanding;  // of each connection
  bool preload;
  double seconds;
  double warmUp;
};

inline LoadOptions loadOptionsOf(const Options& options) {
  LoadOptions made{placesOf(options.text("servers", "")),
                   options.count("keys", 10'000),
                   options.count("value-bytes", 32),
                   static_cast<uint32_t>(options.number("write-ratio", 1) * 1000 + 0.5),
                   options.count("connections", 6),
                   options.count("outstanding", 1000),
                   options.count("preload", 1) != 0,
                   options.number("seconds", 3),
                   options.number("warm-up", 0.5)};
  if (made.keys == 0 || made.connections == 0 || made.outstanding == 0) {
    stop("--keys, --connections and --outstanding are at least 1.");
  }
  return made;
}

/** Connections are dealt out over the servers. */
inline const Place& serverOf(const LoadOptions& options, uint32_t connection) {
  return options.servers[connection % options.servers.size()];
}

/** Of the run: preload first, then warm-up, then what is measured, then the end. */
enum class Phase : uint8_t { preload, run, end };

}  // namespace bench

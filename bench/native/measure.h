/**
 * What every native program of the benchmarks shares: a clock, random numbers, a histogram, options, and the one line
 * of JSON in which it says what it measured.
 */
#pragma once

#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace bench {

inline int64_t nanosNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/** One sentence, and the end: what a load cannot do without is not there. */
[[noreturn]] inline void stop(const std::string& sentence) {
  std::fprintf(stderr, "%s\n", sentence.c_str());
  std::exit(1);
}

/** xorshift64*: a few instructions a number. */
struct Random {
  uint64_t state;

  explicit Random(uint64_t seed) : state((seed + 1) * 0x9e3779b97f4a7c15u) {}
  uint64_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1du;
  }
  /** Without a division: the high half of a product. */
  uint32_t below(uint32_t bound) {
    return static_cast<uint32_t>(((next() >> 32) * bound) >> 32);
  }
};

/** Log-linear, within 1 %: 64 steps for each power of two of nanoseconds. */
class Histogram {
 public:
  void record(int64_t nanos, uint64_t count = 1) {
    const uint64_t value = nanos > 0 ? static_cast<uint64_t>(nanos) : 0;
    buckets_[bucketOf(value)] += count;
    count_ += count;
    sum_ += static_cast<double>(value) * static_cast<double>(count);
    if (value > max_) max_ = value;
  }
  void reset() { *this = Histogram(); }
  void merge(const Histogram& other) {
    for (size_t i = 0; i < BUCKETS; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    if (other.max_ > max_) max_ = other.max_;
  }
  uint64_t count() const { return count_; }
  double meanMicros() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_) / 1000; }
  double maxMicros() const { return static_cast<double>(max_) / 1000; }
  double micros(double share) const {
    const auto rank = static_cast<uint64_t>(share * static_cast<double>(count_));
    uint64_t seen = 0;
    for (size_t i = 0; i < BUCKETS; ++i) {
      seen += buckets_[i];
      if (seen > rank || (seen == count_ && seen > 0)) return static_cast<double>(valueOf(i)) / 1000;
    }
    return 0;
  }

 private:
  static constexpr unsigned BITS = 6;
  static constexpr size_t BUCKETS = (64 - BITS + 1) << BITS;

  static size_t bucketOf(uint64_t value) {
    if (value < (2u << BITS)) return value;
    const auto shift = static_cast<unsigned>(63 - __builtin_clzll(value)) - BITS;
    return (size_t{shift} << BITS) + (value >> shift);
  }
  static uint64_t valueOf(size_t bucket) {
    if (bucket < (2u << BITS)) return bucket;
    const size_t shift = (bucket >> BITS) - 1;
    return (uint64_t{bucket - (shift << BITS)} << shift) + (uint64_t{1} << shift) / 2;
  }

  std::array<uint64_t, BUCKETS> buckets_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
  double sum_ = 0;
};

/** `--name value` pairs. What is asked for and was not given has its default; what nobody asks for is ignored. */
class Options {
 public:
  Options(int argc, char** argv) {
    for (int at = 1; at + 1 < argc; at += 2) given_.push_back({argv[at], argv[at + 1]});
    if (argc % 2 == 0) stop(std::string(argv[argc - 1]) + " needs a value.");
  }
  std::string text(const std::string& name, const std::string& otherwise) const {
    for (const auto& [key, value] : given_) {
      if (key == "--" + name) return value;
    }
    return otherwise;
  }
  double number(const std::string& name, double otherwise) const {
    const std::string value = text(name, "");
    if (value.empty()) return otherwise;
    char* end = nullptr;
    const double read = std::strtod(value.c_str(), &end);
    if (*end != 0) stop("--" + name + " needs a number, not \"" + value + "\".");
    return read;
  }
  uint32_t count(const std::string& name, uint32_t otherwise) const {
    const double value = number(name, otherwise);
    if (value < 0 || value > 4e9) stop("--" + name + " needs a whole number from 0 on.");
    return static_cast<uint32_t>(value);
  }

 private:
  struct Given {
    std::string key;
    std::string value;
  };
  std::vector<Given> given_;
};

/** What was completed within the measured time. */
struct Tally {
  uint64_t writes = 0;
  uint64_t reads = 0;
  uint64_t errors = 0;
  Histogram latency;  // of one operation, from when it was issued

  void reset() { *this = Tally(); }
  void merge(const Tally& other) {
    writes += other.writes;
    reads += other.reads;
    errors += other.errors;
    latency.merge(other.latency);
  }
};

/** Warm-up, then measurement; `turn` sends and receives once. Seconds that were measured. */
template <typename Turn>
double keepFor(double warmUp, double seconds, Tally& tally, Turn turn) {
  const int64_t begin = nanosNow() + static_cast<int64_t>(warmUp * 1e9);
  while (nanosNow() < begin) turn();
  tally.reset();
  const int64_t measured = nanosNow();
  const int64_t end = measured + static_cast<int64_t>(seconds * 1e9);
  int64_t now = measured;
  for (; now < end; now = nanosNow()) turn();
  return static_cast<double>(now - measured) / 1e9;
}

inline void printTally(const Tally& tally, double seconds) {
  const Histogram& latency = tally.latency;
  std::printf("{\"writes\":%" PRIu64 ",\"reads\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"seconds\":%.3f,",
              tally.writes, tally.reads, tally.errors, seconds);
  std::printf("\"latencyMicros\":{\"mean\":%.2f,\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p999\":%.2f,\"max\":%.2f}}\n",
              latency.meanMicros(), latency.micros(0.5), latency.micros(0.9), latency.micros(0.99),
              latency.micros(0.999), latency.maxMicros());
}

/** Eight hexadecimal digits, as zabkv's own workload names its keys. */
inline void writeKey(uint32_t id, char* out) {
  static const std::vector<std::array<char, 4>> table = [] {
    std::vector<std::array<char, 4>> made(65536);
    const char* digits = "0123456789abcdef";
    for (uint32_t i = 0; i < 65536; ++i) {
      made[i] = {digits[i >> 12], digits[i >> 8 & 15], digits[i >> 4 & 15], digits[i & 15]};
    }
    return made;
  }();
  std::memcpy(out, table[id >> 16].data(), 4);
  std::memcpy(out + 4, table[id & 0xffff].data(), 4);
}

/** Host and port of `127.0.0.1:2181,127.0.0.1:2182`. */
struct Place {
  std::string host;
  std::string port;
};

inline std::vector<Place> placesOf(const std::string& list) {
  std::vector<Place> places;
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string each = list.substr(begin, end - begin);
    const size_t colon = each.rfind(':');
    if (colon == std::string::npos) stop("--servers needs HOST:PORT,..., not \"" + list + "\".");
    places.push_back({each.substr(0, colon), each.substr(colon + 1)});
    begin = end + 1;
  }
  if (places.empty()) stop("--servers needs HOST:PORT,... .");
  return places;
}

}  // namespace bench

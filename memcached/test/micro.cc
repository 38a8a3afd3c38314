/**
 * Microbenchmark: nanoseconds per command of parsing and replying, with an executor that knows the answer at once.
 *
 * Usage: micro [pipelined commands ...]; 16 and 100 when none are given. One thread, one connection; the input is
 * copied in as a receive would, the output is looked at and dropped. The best of five rounds.
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "memcached/connection.h"

namespace memcached::test {
namespace {

constexpr uint32_t COMMANDS = 2'000'000;
constexpr uint32_t ROUNDS = 5;
constexpr uint32_t KEYS = 1024;
constexpr size_t VALUE_BYTES = 32;

uint64_t sink = 0;

/** Of this thread alone: others may use the machine. */
double nanosNow() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::string keyOf(uint32_t index) { return "key_" + std::to_string(1'000'000 + index); }

std::string packet(uint8_t opcode, const std::string& extras, const std::string& key, const std::string& value) {
  const size_t body = extras.size() + key.size() + value.size();
  std::string header(24, '\0');
  header[0] = static_cast<char>(0x80);
  header[1] = static_cast<char>(opcode);
  header[3] = static_cast<char>(key.size());
  header[4] = static_cast<char>(extras.size());
  header[11] = static_cast<char>(body);
  return header + extras + key + value;
}

struct Load {
  const char* name;
  std::string (*command)(uint32_t index);
  uint32_t executed; // commands that it is for the executor
};

const std::string value(VALUE_BYTES, 'v');

constexpr uint32_t MANY = 10;

std::string many(uint32_t index) {
  std::string line = "get";
  for (uint32_t i = 0; i < MANY; ++i) line += " " + keyOf(index + i);
  return line + "\r\n";
}

const Load LOADS[] = {
    {"text get", [](uint32_t i) { return "get " + keyOf(i) + "\r\n"; }, 1},
    {"text get of ten keys, each key", many, MANY},
    {"text set", [](uint32_t i) { return "set " + keyOf(i) + " 0 0 32\r\n" + value + "\r\n"; }, 1},
    {"text incr", [](uint32_t i) { return "incr " + keyOf(i) + " 1\r\n"; }, 1},
    {"meta mg v", [](uint32_t i) { return "mg " + keyOf(i) + " v\r\n"; }, 1},
    {"meta mg k v f c t Oabc", [](uint32_t i) { return "mg " + keyOf(i) + " k v f c t Oabc\r\n"; }, 1},
    {"meta ms T60", [](uint32_t i) { return "ms " + keyOf(i) + " 32 T60\r\n" + value + "\r\n"; }, 1},
    {"binary get", [](uint32_t i) { return packet(0x00, "", keyOf(i), ""); }, 1},
    {"binary set", [](uint32_t i) { return packet(0x01, std::string(8, '\0'), keyOf(i), value); }, 1},
};

/** Sends `input` again and again, a batch at a time, until so many commands were answered. */
void drive(Connection& connection, const std::vector<std::string>& batches, const Outcome& outcome, uint32_t commands) {
  uint32_t answered = 0;
  for (size_t batch = 0; answered < commands; batch = (batch + 1) % batches.size()) {
    std::string_view rest = batches[batch];
    while (!rest.empty()) {
      rest.remove_prefix(connection.feed(rest));
      while (const Command* const command = connection.take()) {
        sink += command->key.size() + command->value.size();
        connection.answer(outcome);
        ++answered;
      }
      std::string_view pieces[4];
      const size_t count = connection.outputPieces(pieces);
      for (size_t i = 0; i < count; ++i) sink += static_cast<uint8_t>(pieces[i].back());
      connection.sent(connection.outputBytes());
    }
  }
}

void measure(const Load& load, uint32_t pipelined) {
  Pool pool;
  const Settings settings;
  Connection connection(pool, settings);
  std::vector<std::string> batches;
  for (uint32_t i = 0; i < KEYS;) {
    std::string& batch = batches.emplace_back();
    for (uint32_t j = 0; j < pipelined; ++j) batch += load.command(i++);
  }
  Outcome outcome;
  outcome.value = value;
  outcome.cas = 123456789;
  outcome.number = 12345;
  double best = 1e18;
  for (uint32_t round = 0; round < ROUNDS; ++round) {
    const double begin = nanosNow();
    drive(connection, batches, outcome, COMMANDS);
    best = std::min(best, nanosNow() - begin);
  }
  std::printf("  %-34s %7.1f ns\n", load.name, best / COMMANDS);
}

}  // namespace
}  // namespace memcached::test

int main(int argc, char** argv) {
  using namespace memcached::test;
  std::vector<uint32_t> pipelines;
  for (int i = 1; i < argc; ++i) pipelines.push_back(static_cast<uint32_t>(std::atoi(argv[i])));
  if (pipelines.empty()) pipelines = {16, 100};
  for (const uint32_t pipelined : pipelines) {
    std::printf("%u commands pipelined, keys of 11 bytes, values of 32\n", pipelined);
    for (const Load& load : LOADS) measure(load, std::max(pipelined, 1u));
  }
  return sink == 0 ? 1 : 0;
}

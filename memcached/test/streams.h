/** Streams of random commands, text and meta or binary, valid or damaged: the same seed gives the same stream. */
#pragma once

#include <random>
#include <string>

#include "memcached/test/fixture.h"

namespace memcached::test {

struct Random {
  std::mt19937_64 state;

  uint64_t below(uint64_t bound) { return state() % bound; }
  bool oneIn(uint64_t count) { return below(count) == 0; }
  template <size_t N>
  std::string pick(const char* const (&list)[N]) {
    return list[below(N)];
  }
};

inline constexpr const char* KEYS[] = {"a", "b", "key", "counter", "Zm9v"};
inline constexpr const char* FLAGS[] = {"", " b", " k", " c O12", " t T90", " N30 v", " R50 s", " q k", " I",
                                        " f h l u"};
inline constexpr const char* LINES[] = {"version", "mn", "flush_all", "stats", "verbosity 1", "", "nothing", "delete"};
inline constexpr const char* STORES[] = {"set", "add", "replace", "append", "prepend"};

inline std::string textCommand(Random& random) {
  const std::string key = random.pick(KEYS);
  const std::string value(random.oneIn(20) ? random.below(200'000) : random.below(30), random.oneIn(2) ? '7' : '\n');
  const std::string bytes = std::to_string(value.size());
  switch (random.below(10)) {
    case 0:
    case 1: return random.pick(STORES) + " " + key + " 5 0 " + bytes + "\r\n" + value + "\r\n";
    case 2: return "cas " + key + " 0 100 " + bytes + " " + std::to_string(random.below(9)) + "\r\n" + value + "\r\n";
    case 3: return "ms " + key + " " + bytes + random.pick(FLAGS) + "\r\n" + value + "\r\n";
    case 4: return "mg " + key + random.pick(FLAGS) + random.pick(FLAGS) + "\r\n";
    case 5: return "md " + key + random.pick(FLAGS) + "\r\n";
    case 6: return "ma " + key + " N0 J5" + random.pick(FLAGS) + "\r\n";
    case 7: return (random.oneIn(2) ? "incr " : "delete ") + key + (random.oneIn(2) ? " 1" : "") + "\r\n";
    case 8: return random.pick(LINES) + "\r\n";
    default: {
      std::string line = random.oneIn(3) ? "gats 60" : "gets";
      for (uint64_t i = random.oneIn(20) ? random.below(9000) : random.below(5); i > 0; --i) line += " " + key;
      return line + "\r\n";
    }
  }
}

inline std::string binaryCommand(Random& random) {
  const std::string key = random.pick(KEYS);
  const auto opcode = static_cast<uint8_t>(random.below(0x26));
  const std::string value(random.oneIn(20) ? random.below(200'000) : random.below(30), '7');
  const uint8_t plain = opcode >= 0x11 && opcode <= 0x1a ? static_cast<uint8_t>(opcode - 0x10) : opcode;
  if (plain == 0x07 || opcode == 0x17) return packet(0x0a, {}, {}, {});
  if (plain >= 1 && plain <= 3) return packet(opcode, std::string(8, '\0'), key, value, random.below(4));
  if (plain == 5 || plain == 6) return packet(opcode, std::string(20, '\1'), key, {});
  if (plain == 0x08 || plain == 0x0a || plain == 0x0b || opcode == 0x20) return packet(opcode, {}, {}, {});
  if (plain == 0x0e || plain == 0x0f || opcode == 0x19 || opcode == 0x1a) return packet(opcode, {}, key, value);
  if (opcode == 0x1c || opcode == 0x1d || opcode == 0x1e || opcode >= 0x23) return packet(opcode, "\0\0\0\1", key, {});
  return packet(opcode, {}, key, {});
}

inline std::string streamOf(Random& random, uint32_t commands) {
  const bool isBinary = random.oneIn(3);
  std::string stream;
  for (uint32_t i = 0; i < commands; ++i) stream += isBinary ? binaryCommand(random) : textCommand(random);
  return stream;
}

inline void damage(Random& random, std::string& stream) {
  for (uint64_t changes = 1 + random.below(20); changes > 0; --changes) {
    const size_t at = random.below(stream.size());
    const uint64_t kind = random.below(3);
    if (kind == 0) stream.erase(at, 1 + random.below(5));
    if (kind == 1) stream.insert(at, 1, static_cast<char>(random.below(256)));
    if (kind == 2) stream[at] = static_cast<char>(random.below(256));
    if (stream.empty()) stream = "\r\n";
  }
}

}  // namespace memcached::test

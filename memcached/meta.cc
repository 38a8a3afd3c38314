#include "memcached/meta.h"

#include "memcached/base64.h"
#include "memcached/numbers.h"

namespace memcached {
namespace {

constexpr std::string_view BAD_TOKEN = "CLIENT_ERROR bad token in command line format";
constexpr std::string_view BAD_FLAG = "CLIENT_ERROR invalid flag";
constexpr std::string_view BAD_OR_DUPLICATE = "CLIENT_ERROR invalid or duplicate flag";
constexpr std::string_view LONG_OPAQUE = "CLIENT_ERROR opaque token too long";
constexpr std::string_view MANY_FLAGS = "CLIENT_ERROR options flags are too long";
constexpr std::string_view MANY_FLAGS_ELSE = "CLIENT_ERROR options flags too long";

/** What the flags of one command say beside what a Command has. */
struct Flags {
  Command& command;
  State& state;
  bool ttlFirst = false; // T came before N
  bool newTtl = false;
  char mode = 0;
  std::string_view error = {}; // the last thing that was wrong
};

void wrong(Flags& flags, std::string_view error) { flags.error = error; }

/** N, T, R. */
void readTime(Flags& flags, std::string_view word, int64_t& exptime) {
  int32_t seconds;
  if (!readI32(word.substr(1), seconds)) return wrong(flags, BAD_TOKEN);
  exptime = seconds;
}

void readNumber(Flags& flags, std::string_view word, uint64_t& number, std::string_view error) {
  if (!readU64(word.substr(1), number)) wrong(flags, error);
}

void decodeKey(Flags& flags) {
  std::string_view& key = flags.command.key;
  // It lies in the input, which is this connection's to write to.
  char* const at = flags.state.input.at() + (key.data() - flags.state.input.at());
  key = {at, decodeBase64(at, key.size())};
  if (key.empty()) wrong(flags, "CLIENT_ERROR error decoding key");
  flags.command.keyBinary = true;
}

/** Flags that change what is done, but for numbers. False: no such flag. */
bool readSwitch(Flags& flags, std::string_view word) {
  Command& command = flags.command;
  switch (word[0]) {
    case 'b': decodeKey(flags); return true;
    case 'v': command.wantsValue = true; return true;
    case 'u': command.bumps = false; return true;
    case 'q': command.quiet = true; return true;
    case 'I': command.invalidates = true; return true;
    case 'M':
      if (word.size() != 2) wrong(flags, "CLIENT_ERROR incorrect length for M token");
      flags.mode = word.size() == 2 ? word[1] : 0;
      return true;
    case 'L':
    case 'P': return true; // for proxies
    default: return false;
  }
}

/** Flags with a number. False: no such flag. */
bool readValued(Flags& flags, std::string_view word) {
  Command& command = flags.command;
  switch (word[0]) {
    case 'N':
      command.vivifies = true;
      flags.ttlFirst = flags.newTtl;
      readTime(flags, word, command.vivifyExptime);
      return true;
    case 'T':
      flags.newTtl = true;
      readTime(flags, word, command.exptime);
      return true;
    case 'R':
      command.recaches = true;
      command.recachesFirst = !flags.newTtl;
      readTime(flags, word, command.recacheExptime);
      return true;
    case 'C':
      command.hasCas = true;
      readNumber(flags, word, command.compareCas, BAD_TOKEN);
      return true;
    case 'E':
      command.hasNewCas = true;
      readNumber(flags, word, command.newCas, BAD_TOKEN);
      return flags.state.settings.explicitCas;
    case 'F':
      // Alone among the flags, it has no complaint of its own.
      if (!readU32(word.substr(1), command.clientFlags) && flags.error.empty()) wrong(flags, BAD_FORMAT);
      return true;
    case 'D': readNumber(flags, word, command.delta, "CLIENT_ERROR invalid numeric delta value"); return true;
    case 'J': readNumber(flags, word, command.initial, "CLIENT_ERROR invalid numeric initial value"); return true;
    default: return false;
  }
}

/** Flags that the reply looks at, in their order. False: no such flag. */
bool readReturned(Flags& flags, std::string_view word) {
  switch (word[0]) {
    case 'O': flags.command.token = word; return true;
    case 'T':
    case 'N':
    case 'k':
    case 's':
    case 't':
    case 'c':
    case 'f':
    case 'l':
    case 'h': return true;
    default: return false;
  }
}

/** False: unknown or twice, and `error` says which; the flags behind it are not looked at. */
bool readFlag(Flags& flags, std::string_view word, uint64_t (&seen)[2]) {
  const auto letter = static_cast<uint8_t>(word[0]);
  const uint64_t bit = uint64_t{1} << (letter & 63);
  if (letter >= 127 || (seen[letter >> 6] & bit) != 0) {
    wrong(flags, "CLIENT_ERROR duplicate flag");
    return false;
  }
  seen[letter >> 6] |= bit;
  const bool returned = readReturned(flags, word);
  if (returned) flags.command.returns[flags.command.returnCount++] = word[0];
  if (readValued(flags, word) || readSwitch(flags, word) || returned) return true;
  wrong(flags, BAD_FLAG);
  return false;
}

/** Flags from word `first` on; key and dialect too. */
void readFlags(Flags& flags, const Words& words, uint32_t first) {
  Command& command = flags.command;
  command.dialect = Dialect::meta;
  command.key = words[1];
  uint64_t seen[2] = {0, 0};
  for (uint32_t i = first; i < words.count; ++i) {
    if (!readFlag(flags, words[i], seen)) return;
  }
  command.touches = flags.newTtl;
  // Of two expiries for what is made now, the later one on the line counts.
  if (flags.newTtl && command.vivifies && !flags.ttlFirst) command.vivifyExptime = command.exptime;
}

}  // namespace

std::string_view checkMetaWords(const Words& words, std::string_view tooMany) {
  if (words.count < 2) return ERROR;
  if (words[1].size() > KEY_BYTES_MAX) return BAD_FORMAT;
  return words.count > META_WORDS_MAX ? tooMany : std::string_view{};
}

std::string_view readMetaSet(State& state, const Words& words, Command& command) {
  Flags flags{command, state};
  readFlags(flags, words, 3);
  if (!flags.error.empty()) return flags.error;
  switch (flags.mode) {
    case 0:
    case 'S': command.mode = Mode::set; break;
    case 'E': command.mode = Mode::add; break;
    case 'A': command.mode = Mode::append; break;
    case 'P': command.mode = Mode::prepend; break;
    case 'R': command.mode = Mode::replace; break;
    default: return "CLIENT_ERROR invalid mode for ms M token";
  }
  if (command.token.size() > OPAQUE_BYTES_MAX) return LONG_OPAQUE;
  if (command.hasCas && (command.mode == Mode::set || command.mode == Mode::replace)) command.mode = Mode::cas;
  command.invalidates = command.invalidates && command.mode == Mode::cas;
  return {};
}

void parseMetaGet(State& state, const Words& words) {
  const std::string_view refusal = checkMetaWords(words, MANY_FLAGS);
  if (!refusal.empty()) return say(state, refusal);
  Command& command = push(state);
  Flags flags{command, state};
  readFlags(flags, words, 2);
  if (!flags.error.empty()) return sayInstead(command, flags.error);
  if (command.token.size() > OPAQUE_BYTES_MAX) return sayInstead(command, LONG_OPAQUE);
  command.verb = Verb::read;
  command.wins = true;
}

void parseMetaDelete(State& state, const Words& words) {
  const std::string_view refusal = checkMetaWords(words, MANY_FLAGS_ELSE);
  if (!refusal.empty()) return say(state, refusal);
  Command& command = push(state);
  Flags flags{command, state};
  readFlags(flags, words, 2);
  if (!flags.error.empty()) return sayInstead(command, BAD_OR_DUPLICATE);
  if (command.token.size() > OPAQUE_BYTES_MAX) return sayInstead(command, LONG_OPAQUE);
  command.verb = Verb::remove;
}

void parseMetaArithmetic(State& state, const Words& words) {
  const std::string_view refusal = checkMetaWords(words, MANY_FLAGS_ELSE);
  if (!refusal.empty()) return say(state, refusal);
  Command& command = push(state);
  command.delta = 1;
  Flags flags{command, state};
  readFlags(flags, words, 2);
  if (!flags.error.empty()) return sayInstead(command, BAD_OR_DUPLICATE);
  switch (flags.mode) {
    case 0:
    case 'I':
    case '+': break;
    case 'D':
    case '-': command.decreases = true; break;
    default: return sayInstead(command, "CLIENT_ERROR invalid mode for ma M token");
  }
  if (command.token.size() > OPAQUE_BYTES_MAX) return sayInstead(command, LONG_OPAQUE);
  command.verb = Verb::arithmetic;
}

void parseMetaDescribe(State& state, const Words& words) {
  if (words.count < 2 || words[1].size() > KEY_BYTES_MAX) return say(state, BAD_FORMAT);
  Command& command = push(state);
  command.verb = Verb::describe;
  command.dialect = Dialect::meta;
  command.key = words[1];
  Flags flags{command, state};
  if (words.count > 2 && words[2] == "b") decodeKey(flags);
  if (!flags.error.empty()) sayInstead(command, BAD_FORMAT);
}

}  // namespace memcached

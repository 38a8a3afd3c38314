#include "memcached/text.h"

#include <cstring>

namespace memcached {
namespace {

/** Where a line goes by its first word, once it is split: those that need nothing of its bytes but the words. */
using Parse = void (*)(State&, const Words&);

void increase(State& state, const Words& words) { parseArithmetic(state, words, false); }
void decrease(State& state, const Words& words) { parseArithmetic(state, words, true); }
void sayVersion(State& state, const Words&) {
  Command& command = push(state);
  command.said = "VERSION ";
  command.token = state.settings.version;
}
void quit(State& state, const Words&) { close(state); }
void refuseShutdown(State& state, const Words&) { say(state, "ERROR: shutdown not enabled"); }
void refuseWatch(State& state, const Words& words) {
  if (words.last() != NOREPLY) say(state, "CLIENT_ERROR watch commands not allowed");
}
void sayMetaNoop(State& state, const Words&) { say(state, "MN"); }

struct Name {
  std::string_view name;
  uint32_t wordsMin;
  uint32_t wordsMax;
  Parse parse;
};

constexpr Name NAMES[] = {
    {"delete", 2, 4, parseDelete},       {"incr", 3, 4, increase},
    {"decr", 3, 4, decrease},            {"touch", 3, 4, parseTouch},
    {"flush_all", 1, 3, parseFlush},     {"stats", 1, WORDS_MAX, parseStats},
    {"version", 1, WORDS_MAX, sayVersion}, {"quit", 1, WORDS_MAX, quit},
    {"verbosity", 2, 3, parseVerbosity}, {"shutdown", 1, WORDS_MAX, refuseShutdown},
    {"watch", 1, WORDS_MAX, refuseWatch}, {"slabs", 1, WORDS_MAX, parseSlabs},
    {"lru_crawler", 1, WORDS_MAX, parseCrawler},
};

void parseNamed(State& state, const Words& words) {
  for (const Name& name : NAMES) {
    if (words[0] != name.name) continue;
    if (words.count < name.wordsMin || words.count > name.wordsMax) {
      say(state, ERROR);
    } else {
      name.parse(state, words);
    }
    return;
  }
  // A browser that was sent here by somebody else is not talked to.
  if (words.last().starts_with("HTTP/")) {
    close(state);
  } else {
    say(state, ERROR);
  }
}

Progress parseMeta(State& state, const Line& line) {
  switch (line.words.at[0][1]) {
    case 's': return parseMetaSet(state, line);
    case 'g': parseMetaGet(state, line.words); break;
    case 'd': parseMetaDelete(state, line.words); break;
    case 'a': parseMetaArithmetic(state, line.words); break;
    case 'e': parseMetaDescribe(state, line.words); break;
    case 'n': sayMetaNoop(state, line.words); break;
    default: say(state, ERROR);
  }
  state.input.consume(line.bytes);
  return Progress::on;
}

/** Whether the first word stores a value. */
bool storeMode(std::string_view name, Mode& mode) {
  switch (name.size()) {
    case 3:
      if (name == "set") return mode = Mode::set, true;
      if (name == "add") return mode = Mode::add, true;
      if (name == "cas") return mode = Mode::cas, true;
      return false;
    case 6: return name == "append" && (mode = Mode::append, true);
    case 7:
      if (name == "replace") return mode = Mode::replace, true;
      if (name == "prepend") return mode = Mode::prepend, true;
      return false;
    default: return false;
  }
}

Progress parseWords(State& state, std::string_view text, size_t lineBytes) {
  Line line;
  line.bytes = lineBytes;
  splitWords(text, line.words);
  if (line.words.count == 0 || line.words[0].size() < 2) {
    say(state, ERROR);
    state.input.consume(lineBytes);
    return Progress::on;
  }
  const std::string_view name = line.words[0];
  if (name.size() == 2 && name[0] == 'm') return parseMeta(state, line);
  Mode mode = Mode::set;
  if (storeMode(name, mode)) return parseStore(state, line, mode);
  parseNamed(state, line.words);
  state.input.consume(lineBytes);
  return Progress::on;
}

/** get and its kin: their lines may have any number of words. */
bool startsGet(std::string_view text, size_t& nameBytes, bool& withCas, bool& touches) {
  if (text.starts_with("get ")) { // which is nearly all of them
    nameBytes = 3;
    return true;
  }
  if (text.empty() || (text[0] != 'g' && text[0] != 'b' && text[0] != ' ')) return false;
  const size_t blanks = text.find_first_not_of(' ');
  if (blanks == std::string_view::npos) return false;
  const std::string_view name = text.substr(blanks, text.find(' ', blanks) - blanks);
  withCas = name.ends_with('s');
  touches = name.starts_with("ga");
  nameBytes = blanks + name.size();
  return name == "get" || name == "gets" || name == "gat" || name == "gats" || name == "bget";
}

/** No end of line within what is there. */
Progress waitForLine(State& state, std::string_view unread) {
  if (unread.size() > LINE_BYTES_MAX) {
    size_t nameBytes = 0;
    while (nameBytes != unread.size() && unread[nameBytes] == ' ') ++nameBytes;
    const std::string_view text = unread.substr(nameBytes);
    if (nameBytes > BLANKS_MAX || (!text.starts_with("get ") && !text.starts_with("gets "))) {
      close(state);
      return Progress::on;
    }
    if (unread.size() >= GET_LINE_BYTES_MAX) return beginStream(state);
    state.input.need(GET_LINE_BYTES_MAX);
  }
  return Progress::starved;
}

}  // namespace

void splitWords(std::string_view line, Words& words) {
  const char* at = line.data();
  const char* const end = at + line.size();
  for (words.count = 0; words.count != WORDS_MAX; ++words.count) {
    while (at != end && *at == ' ') ++at;
    if (at == end) return;
    const char* const word = at;
    while (at != end && *at != ' ') ++at;
    words.at[words.count] = word;
    words.bytes[words.count] = static_cast<size_t>(at - word);
  }
}

Progress parseText(State& state) {
  const std::string_view unread{state.input.at(), state.input.unread()};
  if (unread.empty()) return Progress::starved;
  // However the bytes came in pieces, a line is too long or not.
  const size_t sought = unread.size() < GET_LINE_BYTES_MAX ? unread.size() : GET_LINE_BYTES_MAX;
  const auto* const end = static_cast<const char*>(std::memchr(unread.data(), '\n', sought));
  if (end == nullptr) return waitForLine(state, unread);
  auto bytes = static_cast<size_t>(end - unread.data());
  if (bytes > LINE_BYTES_MAX && waitForLine(state, unread.substr(0, bytes)) == Progress::on) return Progress::on;
  const size_t lineBytes = bytes + 1;
  if (bytes > 1 && unread[bytes - 1] == '\r') --bytes;
  const std::string_view text = unread.substr(0, strnlen(unread.data(), bytes));

  size_t nameBytes = 0;
  bool withCas = false;
  bool touches = false;
  if (!startsGet(text, nameBytes, withCas, touches)) return parseWords(state, text, lineBytes);
  return beginKeys(state, text.substr(nameBytes), lineBytes, withCas, touches);
}

bool hasValue(State& state, size_t lineBytes, size_t bytes) {
  const size_t all = lineBytes + bytes + 2;
  if (state.input.unread() >= all) return true;
  state.input.need(all);
  return false;
}

void sayInstead(Command& command, std::string_view text) {
  command = Command{};
  command.said = text;
}

void refuseValue(State& state, size_t lineBytes, size_t valueBytes) {
  state.swallow = valueBytes + 2;
  state.input.consume(lineBytes);
}

}  // namespace memcached

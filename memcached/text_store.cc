/** set, add, replace, append, prepend, cas, and ms: a line, a value, and an end of line behind it. */
#include "memcached/meta.h"
#include "memcached/numbers.h"
#include "memcached/text.h"

namespace memcached {
namespace {

/** set key flags exptime bytes, then a cas for cas; the word behind them may be noreply. */
constexpr uint32_t KEY = 1, FLAGS = 2, EXPTIME = 3, BYTES = 4, CAS = 5;

/** What a line of set and kin says; `valueBytes` < 0 if it is refused. */
struct Store {
  std::string_view key;
  uint32_t clientFlags = 0;
  int32_t exptime = 0;
  int32_t valueBytes = -1;
  uint64_t cas = 0;
  bool noreply = false;
};

bool readStore(const Words& words, bool hasCas, Store& store) {
  store.noreply = words.last() == NOREPLY;
  store.key = words[KEY];
  return store.key.size() <= KEY_BYTES_MAX && readU32(words[FLAGS], store.clientFlags) &&
         readI32(words[EXPTIME], store.exptime) && readI32(words[BYTES], store.valueBytes) &&
         (!hasCas || readU64(words[CAS], store.cas)) && store.valueBytes >= 0 &&
         store.valueBytes <= VALUE_BYTES_MAX;
}

/** An item too large to be stored may not leave the one before it there. */
void removeInstead(Command& command, std::string_view key) {
  command = Command{};
  command.verb = Verb::remove;
  command.key = key;
  command.refused = true;
  command.said = TOO_LARGE;
}

bool endsLine(std::string_view value, size_t bytes) { return value[bytes] == '\r' && value[bytes + 1] == '\n'; }

}  // namespace

Progress parseStore(State& state, const Line& line, Mode mode) {
  const Words& words = line.words;
  const bool hasCas = mode == Mode::cas;
  const uint32_t wordsMin = hasCas ? CAS + 1 : CAS;
  Store store;
  if (words.count != wordsMin && words.count != wordsMin + 1) {
    say(state, ERROR);
    state.input.consume(line.bytes);
    return Progress::on;
  }
  if (!readStore(words, hasCas, store)) {
    if (!store.noreply) say(state, BAD_FORMAT);
    state.input.consume(line.bytes);
    return Progress::on;
  }
  const auto valueBytes = static_cast<size_t>(store.valueBytes);
  if (itemBytes(store.key.size(), store.clientFlags, valueBytes) > state.settings.itemBytesMax) {
    if (mode == Mode::set) {
      Command& command = push(state);
      removeInstead(command, store.key);
      command.noreply = store.noreply;
    } else if (!store.noreply) {
      say(state, TOO_LARGE);
    }
    refuseValue(state, line.bytes, valueBytes);
    return Progress::on;
  }
  if (!hasValue(state, line.bytes, valueBytes)) return Progress::starved;

  const std::string_view value{state.input.at() + line.bytes, valueBytes + 2};
  if (endsLine(value, valueBytes)) {
    Command& command = push(state);
    command.verb = Verb::write;
    command.mode = mode;
    command.key = store.key;
    command.value = value.substr(0, valueBytes);
    command.clientFlags = store.clientFlags;
    command.exptime = store.exptime;
    command.hasCas = hasCas;
    command.compareCas = store.cas;
    command.noreply = store.noreply;
  } else if (!store.noreply) {
    say(state, BAD_CHUNK);
  }
  state.input.consume(line.bytes + valueBytes + 2);
  return Progress::on;
}

Progress parseMetaSet(State& state, const Line& line) {
  const Words& words = line.words;
  int32_t valueBytes = -1;
  const std::string_view refusal = checkMetaWords(words, "CLIENT_ERROR options flags too long");
  if (words.count < 2 || words.count == 2 || !refusal.empty() || !readI32(words[2], valueBytes) ||
      valueBytes < 0 || valueBytes > VALUE_BYTES_MAX) {
    say(state, words.count < 2 ? ERROR : words.count > 2 && !refusal.empty() ? refusal : BAD_FORMAT);
    state.input.consume(line.bytes);
    return Progress::on;
  }
  const auto bytes = static_cast<size_t>(valueBytes);
  // Flags change the key where it lies, so they are read once: with all of the value there, or if it never will be.
  const bool tooLarge = itemBytes(0, 0, bytes) > state.settings.itemBytesMax;
  if (!tooLarge && !hasValue(state, line.bytes, bytes)) return Progress::starved;

  Command& command = push(state);
  const std::string_view wrong = readMetaSet(state, words, command);
  if (!wrong.empty()) {
    sayInstead(command, wrong);
    refuseValue(state, line.bytes, bytes);
    return Progress::on;
  }
  if (itemBytes(command.key.size(), command.clientFlags, bytes) > state.settings.itemBytesMax) {
    removeInstead(command, command.key);
    refuseValue(state, line.bytes, bytes);
    return Progress::on;
  }
  const std::string_view value{state.input.at() + line.bytes, bytes + 2};
  command.verb = Verb::write;
  command.value = value.substr(0, bytes);
  if (!endsLine(value, bytes)) sayInstead(command, BAD_CHUNK);
  state.input.consume(line.bytes + bytes + 2);
  return Progress::on;
}

}  // namespace memcached

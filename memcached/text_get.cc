/** get, gets, gat, gats: any number of keys, each a command of its own, also where the line is longer than a block. */
#include <algorithm>
#include <cstring>

#include "memcached/numbers.h"
#include "memcached/text.h"

namespace memcached {
namespace {

constexpr std::string_view END = "END";

std::string_view withoutBlanks(std::string_view text) {
  size_t blanks = 0;
  while (blanks != text.size() && text[blanks] == ' ') ++blanks;
  return text.substr(blanks);
}

/** A get with a key that is too long gets that answer alone: so all are looked at before any is asked for. */
bool hasLongKey(std::string_view keys) {
  if (keys.size() <= KEY_BYTES_MAX) return false;
  while (!keys.empty()) {
    const size_t bytes = std::min(keys.find(' '), keys.size());
    if (bytes > KEY_BYTES_MAX) return true;
    keys = withoutBlanks(keys.substr(bytes));
  }
  return false;
}

void pushKey(State& state, std::string_view key, bool isLast) {
  Command& command = push(state);
  command.verb = Verb::read;
  command.wantsValue = true;
  command.withCas = state.getting.withCas;
  command.touches = state.getting.touches;
  command.exptime = state.getting.exptime;
  command.endsList = isLast;
  command.key = key;
}

}  // namespace

Progress beginKeys(State& state, std::string_view text, size_t lineBytes, bool withCas, bool touches) {
  std::string_view keys = withoutBlanks(text);
  state.getting.withCas = withCas;
  state.getting.touches = touches;
  std::string_view refusal;
  if (keys.empty()) {
    refusal = ERROR;
  } else if (touches) {
    const std::string_view word = keys.substr(0, keys.find(' '));
    int32_t exptime;
    if (!readI32(word, exptime)) refusal = BAD_EXPTIME;
    state.getting.exptime = exptime;
    keys = withoutBlanks(keys.substr(word.size()));
  }
  if (refusal.empty() && hasLongKey(keys)) refusal = BAD_FORMAT;
  if (refusal.empty() && keys.empty()) refusal = END;
  if (!refusal.empty()) {
    say(state, refusal);
    state.input.consume(lineBytes);
    return Progress::on;
  }
  const auto before = static_cast<size_t>(keys.data() - state.input.at());
  state.keyBytesLeft = keys.size();
  state.lineEndBytes = lineBytes - before - keys.size();
  state.input.consume(before);
  state.phase = Phase::keys;
  return parseKeys(state);
}

/** As many keys as the queue takes; the front of the input is a key. */
Progress parseKeys(State& state) {
  std::string_view keys{state.input.at(), state.keyBytesLeft};
  while (!keys.empty() && !state.queue.full()) {
    // Short keys: a loop beats a call.
    size_t bytes = 0;
    while (bytes != keys.size() && keys[bytes] != ' ') ++bytes;
    const std::string_view key = keys.substr(0, bytes);
    keys = withoutBlanks(keys.substr(bytes));
    pushKey(state, key, keys.empty());
  }
  state.input.consume(state.keyBytesLeft - keys.size());
  state.keyBytesLeft = keys.size();
  if (keys.empty()) {
    state.input.consume(state.lineEndBytes);
    state.phase = Phase::line;
  }
  return Progress::on;
}

Progress beginStream(State& state) {
  const char* const line = state.input.at();
  size_t bytes = 0;
  while (line[bytes] == ' ') ++bytes;
  state.getting.touches = false;
  state.getting.withCas = line[bytes + 3] == 's';
  state.input.consume(bytes + (state.getting.withCas ? 4 : 3));
  state.phase = Phase::stream;
  return Progress::on;
}

/** One key, or the end of the line. What came before is asked for by now, so a key that is too long ends the list. */
Progress parseStream(State& state) {
  const std::string_view unread{state.input.at(), state.input.unread()};
  const std::string_view text = withoutBlanks(unread);
  if (text.data() != unread.data()) {
    state.input.consume(unread.size() - text.size());
    return Progress::on;
  }
  const size_t seen = std::min(text.size(), KEY_BYTES_MAX + 2);
  size_t bytes = 0;
  while (bytes != seen && text[bytes] != ' ' && text[bytes] != '\n') ++bytes;
  if (bytes == text.size() && bytes < KEY_BYTES_MAX + 2) return Progress::starved;

  const bool isLast = bytes != seen && text[bytes] == '\n';
  const size_t keyBytes = isLast && bytes != 0 && text[bytes - 1] == '\r' ? bytes - 1 : bytes;
  if (keyBytes > KEY_BYTES_MAX) {
    say(state, BAD_FORMAT);
    state.phase = Phase::skip;
    return Progress::on;
  }
  if (keyBytes != 0) {
    pushKey(state, text.substr(0, keyBytes), isLast);
  } else {
    say(state, END);
  }
  state.input.consume(bytes + (isLast ? 1 : 0));
  if (isLast) state.phase = Phase::line;
  return Progress::on;
}

}  // namespace memcached

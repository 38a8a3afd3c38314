/**
 * Who he is, in text: the first command is a set whose value is "user password"; key, flags and time do not matter.
 * Nothing else is read before that was right.
 */
#include <algorithm>
#include <cstring>

#include "memcached/numbers.h"
#include "memcached/text.h"

namespace memcached {
namespace {

constexpr uint32_t BYTES = 4;

std::string_view checkCredentials(State& state, std::string_view value) {
  if (!value.ends_with("\r\n")) return "CLIENT_ERROR bad command line termination";
  value.remove_suffix(2);
  Words words;
  splitWords(value.substr(0, strnlen(value.data(), value.size())), words);
  if (words.count < 2) return "CLIENT_ERROR bad authentication token format";
  const Credentials& credentials = state.settings.credentials;
  if (!credentials.accepts(credentials.context, words[0], words[1])) {
    return "CLIENT_ERROR authentication failure";
  }
  state.authenticated = true;
  return "STORED";
}

}  // namespace

Progress parseLogin(State& state) {
  const std::string_view unread{state.input.at(), state.input.unread()};
  const size_t sought = std::min(unread.size(), LINE_BYTES_MAX + 1);
  const auto* const end = sought == 0 ? nullptr : static_cast<const char*>(std::memchr(unread.data(), '\n', sought));
  if (end == nullptr) {
    if (sought <= LINE_BYTES_MAX) return Progress::starved;
    close(state);
    return Progress::on;
  }
  const auto lineBytes = static_cast<size_t>(end - unread.data()) + 1;
  Words words;
  splitWords(unread.substr(0, strnlen(unread.data(), lineBytes - 1)), words);
  uint32_t valueBytes;
  if (words.count <= BYTES || words[0] != "set" || !readU32(words[BYTES], valueBytes)) {
    say(state, "CLIENT_ERROR unauthenticated");
    state.input.consume(lineBytes);
    return Progress::on;
  }
  if (valueBytes > CREDENTIALS_BYTES_MAX) {
    close(state);
    return Progress::on;
  }
  if (!hasValue(state, lineBytes, valueBytes)) return Progress::starved;
  say(state, checkCredentials(state, unread.substr(lineBytes, size_t{valueBytes} + 2)));
  state.input.consume(lineBytes + valueBytes + 2);
  if (state.authenticated) state.phase = Phase::line;
  return Progress::on;
}

}  // namespace memcached

/** From outcomes to bytes, for the oldest command of a connection. */
#pragma once

#include "memcached/state.h"

namespace memcached {

/** Any dialect. */
void reply(State& state, const Command& command, const Outcome& outcome);
/** Without an outcome: Verb::say, or a refused command. */
void replySaid(State& state, const Command& command);
/** One of stats; the end of them is the reply. */
void replyStatistic(State& state, const Command& command, std::string_view name, std::string_view value);

void replyText(State& state, const Command& command, const Outcome& outcome);
void replyMeta(State& state, const Command& command, const Outcome& outcome);
void replyBinary(State& state, const Command& command, const Outcome& outcome);
void replyPacket(State& state, const Command& command, uint16_t status, uint64_t cas, std::string_view body);

inline constexpr std::string_view LINE_END = "\r\n";

/** Everything of a line of reply but its value: key in base64, numbers, an opaque. */
inline constexpr size_t REPLY_LINE_BYTES_MAX = 1024;

inline char* put(char* at, std::string_view text) {
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

/** SERVER_ERROR and why. */
void replyFailed(State& state, const Outcome& outcome);
void replyLine(State& state, std::string_view text);

}  // namespace memcached

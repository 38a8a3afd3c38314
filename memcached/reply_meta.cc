#include "memcached/base64.h"
#include "memcached/numbers.h"
#include "memcached/reply.h"

namespace memcached {
namespace {

constexpr std::string_view FOUND = "HD";

char* writeKey(char* at, std::string_view key, bool binary) {
  at = put(at, " k");
  if (!binary) return put(at, key);
  at += encodeBase64(key.data(), key.size(), at);
  return put(at, " b");
}

char* writeFlag(char* at, char letter, uint64_t number) {
  *at++ = ' ';
  *at++ = letter;
  return writeDecimal(at, number);
}

char* writeTtl(char* at, int64_t ttl) {
  return ttl < 0 ? put(at, " t-1") : writeFlag(at, 't', static_cast<uint32_t>(ttl));
}

/** The two flags that come back whatever came of it. */
char* writeToken(char* at, const Command& command) {
  *at++ = ' ';
  return put(at, command.token);
}

char* writeSent(char* at, const Command& command) {
  for (uint32_t i = 0; i < command.returnCount; ++i) {
    if (command.returns[i] == 'O') at = writeToken(at, command);
    if (command.returns[i] == 'k') at = writeKey(at, command.key, command.keyBinary);
  }
  return at;
}

/** The flags of an item that mg found. */
char* writeFound(char* at, const Command& command, const Outcome& outcome) {
  bool ttlSet = false;
  for (uint32_t i = 0; i < command.returnCount; ++i) {
    switch (command.returns[i]) {
      case 'T': ttlSet = true; break;
      case 'N': ttlSet |= outcome.created; break;
      case 't': at = writeTtl(at, ttlSet ? outcome.ttl : outcome.ttlBefore); break;
      case 's': at = writeFlag(at, 's', outcome.value.size()); break;
      case 'c': at = writeFlag(at, 'c', outcome.cas); break;
      case 'f': at = writeFlag(at, 'f', outcome.clientFlags); break;
      case 'l': at = writeFlag(at, 'l', outcome.idleSeconds); break;
      case 'h': at = put(at, outcome.fetchedBefore ? " h1" : " h0"); break;
      case 'O': at = writeToken(at, command); break;
      case 'k': at = writeKey(at, command.key, outcome.keyBinary); break;
    }
  }
  if (outcome.wonBefore) at = put(at, " Z");
  if (outcome.stale) at = put(at, " X");
  return outcome.won ? put(at, " W") : at;
}

void replyGet(State& state, const Command& command, const Outcome& outcome) {
  if (outcome.status != Status::ok) {
    if (command.quiet) return;
    char* const at = put(state.output.reserve(REPLY_LINE_BYTES_MAX), "EN");
    return state.output.commit(put(writeSent(at, command), LINE_END));
  }
  char* at = state.output.reserve(REPLY_LINE_BYTES_MAX);
  if (command.wantsValue) {
    at = writeDecimal(put(at, "VA "), outcome.value.size());
  } else {
    at = put(at, FOUND);
  }
  state.output.commit(put(writeFound(at, command, outcome), LINE_END));
  if (!command.wantsValue) return;
  state.output.append(outcome.value);
  state.output.append(LINE_END);
}

std::string_view codeOf(Status status) {
  switch (status) {
    case Status::ok: return FOUND;
    case Status::exists: return "EX";
    case Status::notFound: return "NF";
    default: return "NS";
  }
}

void replySet(State& state, const Command& command, const Outcome& outcome) {
  const bool stored = outcome.status == Status::ok;
  if (stored && command.quiet) return;
  if (outcome.status == Status::noMemory) return replyLine(state, "SERVER_ERROR out of memory storing object");
  char* at = put(state.output.reserve(REPLY_LINE_BYTES_MAX), codeOf(outcome.status));
  for (uint32_t i = 0; i < command.returnCount; ++i) {
    if (command.returns[i] == 'O') at = writeToken(at, command);
    if (command.returns[i] == 'k') at = writeKey(at, command.key, command.keyBinary);
    if (command.returns[i] == 'c') at = writeFlag(at, 'c', stored ? outcome.cas : 0);
  }
  state.output.commit(put(at, LINE_END));
}

void replyDelete(State& state, const Command& command, const Outcome& outcome) {
  if (outcome.status == Status::ok && command.quiet) return;
  char* const at = put(state.output.reserve(REPLY_LINE_BYTES_MAX), codeOf(outcome.status));
  state.output.commit(put(writeSent(at, command), LINE_END));
}

void replyArithmetic(State& state, const Command& command, const Outcome& outcome) {
  const bool counted = outcome.status == Status::ok;
  if (counted && command.quiet && !outcome.created) return;
  if (outcome.status == Status::nonNumeric) {
    return replyLine(state, "CLIENT_ERROR cannot increment or decrement non-numeric value");
  }
  if (outcome.status == Status::noMemory) return replyLine(state, "SERVER_ERROR out of memory");
  char number[DECIMAL_BYTES_MAX];
  const std::string_view value{number, static_cast<size_t>(writeDecimal(number, outcome.number) - number)};
  char* at = state.output.reserve(REPLY_LINE_BYTES_MAX);
  if (!counted) {
    at = writeSent(put(at, codeOf(outcome.status)), command);
    return state.output.commit(put(at, LINE_END));
  }
  at = command.wantsValue ? writeDecimal(put(at, "VA "), value.size()) : put(at, FOUND);
  bool ttlSet = false;
  for (uint32_t i = 0; i < command.returnCount; ++i) {
    switch (command.returns[i]) {
      case 'T': ttlSet = true; break;
      case 'N': ttlSet |= outcome.created; break;
      case 't': at = writeTtl(at, ttlSet ? outcome.ttl : outcome.ttlBefore); break;
      case 'c': at = writeFlag(at, 'c', outcome.cas); break;
      case 'O': at = writeToken(at, command); break;
      case 'k': at = writeKey(at, command.key, command.keyBinary); break;
    }
  }
  at = put(at, LINE_END);
  if (command.wantsValue) at = put(put(at, value), LINE_END);
  state.output.commit(at);
}

/** me: for people. A time left is shown as memcached does, as how long ago it ends. */
void replyDescription(State& state, const Command& command, const Outcome& outcome) {
  if (outcome.status != Status::ok) return replyLine(state, "EN");
  char* at = put(state.output.reserve(REPLY_LINE_BYTES_MAX), "ME ");
  if (outcome.keyBinary) {
    at += encodeBase64(command.key.data(), command.key.size(), at);
  } else {
    at = put(at, command.key);
  }
  at = put(at, " exp=");
  if (outcome.ttl != 0) *at++ = '-';
  at = writeDecimal(at, outcome.ttl < 0 ? 1 : static_cast<uint64_t>(outcome.ttl));
  at = writeDecimal(put(at, " la="), outcome.idleSeconds);
  at = writeDecimal(put(at, " cas="), outcome.cas);
  at = put(put(at, " fetch="), outcome.fetchedBefore ? "yes" : "no");
  at = writeDecimal(put(at, " cls="), outcome.slabClass);
  at = writeDecimal(put(at, " size="), outcome.itemBytes);
  state.output.commit(put(at, LINE_END));
}

}  // namespace

void replyMeta(State& state, const Command& command, const Outcome& outcome) {
  if (outcome.status == Status::failed) return replyFailed(state, outcome);
  switch (command.verb) {
    case Verb::read: return replyGet(state, command, outcome);
    case Verb::write: return replySet(state, command, outcome);
    case Verb::remove: return replyDelete(state, command, outcome);
    case Verb::arithmetic: return replyArithmetic(state, command, outcome);
    default: return replyDescription(state, command, outcome);
  }
}

}  // namespace memcached

#include "memcached/numbers.h"
#include "memcached/reply.h"

namespace memcached {
namespace {

constexpr std::string_view END_LINE = "END\r\n";

/** "VALUE key flags bytes[ cas]", the value, and END behind the last. */
void writeItem(State& state, const Command& command, const Outcome& outcome) {
  const bool small = outcome.value.size() <= BLOCK_BYTES - REPLY_LINE_BYTES_MAX;
  char* at = state.output.reserve(REPLY_LINE_BYTES_MAX + (small ? outcome.value.size() : 0));
  at = put(at, "VALUE ");
  at = put(at, command.key);
  *at++ = ' ';
  at = writeDecimal(at, outcome.clientFlags);
  *at++ = ' ';
  at = writeDecimal(at, outcome.value.size());
  if (command.withCas) {
    *at++ = ' ';
    at = writeDecimal(at, outcome.cas);
  }
  at = put(at, LINE_END);
  if (small) {
    at = put(at, outcome.value);
  } else {
    state.output.commit(at);
    state.output.append(outcome.value);
    at = state.output.reserve(REPLY_LINE_BYTES_MAX);
  }
  at = put(at, LINE_END);
  if (command.endsList) at = put(at, END_LINE);
  state.output.commit(at);
}

/** One key of a get. Where one fails, the failure ends the list. */
void replyListed(State& state, const Command& command, const Outcome& outcome) {
  if (!state.listFailed) {
    if (outcome.status == Status::ok) {
      writeItem(state, command, outcome);
    } else if (outcome.status != Status::notFound) {
      replyFailed(state, outcome);
      state.listFailed = true;
    } else if (command.endsList) {
      state.output.append(END_LINE);
    }
  }
  if (command.endsList) state.listFailed = false;
}

std::string_view writeLine(Status status) {
  switch (status) {
    case Status::ok: return "STORED";
    case Status::exists: return "EXISTS";
    case Status::notFound: return "NOT_FOUND";
    case Status::noMemory: return "SERVER_ERROR out of memory storing object";
    default: return "NOT_STORED";
  }
}

void replyNumber(State& state, const Outcome& outcome) {
  switch (outcome.status) {
    case Status::ok: {
      char* const at = state.output.reserve(DECIMAL_BYTES_MAX + LINE_END.size());
      return state.output.commit(put(writeDecimal(at, outcome.number), LINE_END));
    }
    case Status::nonNumeric:
      return replyLine(state, "CLIENT_ERROR cannot increment or decrement non-numeric value");
    case Status::noMemory: return replyLine(state, "SERVER_ERROR out of memory");
    default: return replyLine(state, "NOT_FOUND");
  }
}

std::string_view statisticsEnd(Status status) {
  switch (status) {
    case Status::ok: return "END";
    case Status::done: return "OK";
    case Status::reset: return "RESET";
    default: return "ERROR";
  }
}

}  // namespace

void replyText(State& state, const Command& command, const Outcome& outcome) {
  const bool found = outcome.status == Status::ok;
  if (command.verb == Verb::read && !command.touchOnly) return replyListed(state, command, outcome);
  if (command.noreply) return;
  if (outcome.status == Status::failed) return replyFailed(state, outcome);
  switch (command.verb) {
    case Verb::read: return replyLine(state, found ? "TOUCHED" : "NOT_FOUND");
    case Verb::write: return replyLine(state, writeLine(outcome.status));
    case Verb::remove: return replyLine(state, found ? "DELETED" : "NOT_FOUND");
    case Verb::arithmetic: return replyNumber(state, outcome);
    case Verb::statistics: return replyLine(state, statisticsEnd(outcome.status));
    default: return replyLine(state, "OK");
  }
}

}  // namespace memcached

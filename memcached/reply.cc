#include "memcached/reply.h"

namespace memcached {

void say(State& state, std::string_view text) { push(state).said = text; }

void reply(State& state, const Command& command, const Outcome& outcome) {
  if (command.refused) return replySaid(state, command);
  switch (command.dialect) {
    case Dialect::text: return replyText(state, command, outcome);
    case Dialect::meta: return replyMeta(state, command, outcome);
    case Dialect::binary: return replyBinary(state, command, outcome);
  }
}

void replySaid(State& state, const Command& command) {
  if (command.dialect == Dialect::binary) {
    // Errors are said to quiet commands too: they are the reason why a client may be quiet.
    if (!command.noreply || command.saidStatus != 0) {
      replyPacket(state, command, command.saidStatus, 0, command.said);
    }
    return;
  }
  if (command.noreply) return;
  state.output.append(command.said);
  state.output.append(command.token);
  state.output.append(LINE_END);
}

void replyLine(State& state, std::string_view text) {
  char* const at = state.output.reserve(text.size() + LINE_END.size());
  state.output.commit(put(put(at, text), LINE_END));
}

void replyFailed(State& state, const Outcome& outcome) {
  state.output.append("SERVER_ERROR ");
  state.output.append(outcome.value);
  state.output.append(LINE_END);
}

}  // namespace memcached

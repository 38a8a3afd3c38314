#include "memcached/binary.h"
#include "memcached/reply.h"

namespace memcached {

using namespace binary;

namespace {

Header headerOf(uint8_t opcode, uint32_t opaque, uint16_t status, uint64_t cas) {
  Header header = {};
  header.magic = RESPONSE;
  header.opcode = opcode;
  header.status = swap(status);
  header.opaque = opaque;
  header.cas = swap(cas);
  return header;
}

char* put(char* at, const Header& header) {
  std::memcpy(at, &header, sizeof header);
  return at + sizeof header;
}

/** A get, gat or touch that found: flags, key if asked for, value. */
void writeFound(State& state, const Command& command, const Outcome& outcome) {
  const std::string_view value = command.touchOnly ? std::string_view{} : outcome.value;
  const std::string_view key = command.withKey ? command.key : std::string_view{};
  const uint32_t flags = swap(outcome.clientFlags);
  Header header = headerOf(command.opcode, command.opaque, status::OK, outcome.cas);
  header.keyBytes = swap(static_cast<uint16_t>(key.size()));
  header.extraBytes = sizeof flags;
  header.bodyBytes = swap(static_cast<uint32_t>(sizeof flags + key.size() + value.size()));
  const bool small = value.size() <= BLOCK_BYTES - REPLY_LINE_BYTES_MAX;
  char* at = put(state.output.reserve(REPLY_LINE_BYTES_MAX + (small ? value.size() : 0)), header);
  std::memcpy(at, &flags, sizeof flags);
  at = memcached::put(at + sizeof flags, key);
  if (small) at = memcached::put(at, value);
  state.output.commit(at);
  if (!small) state.output.append(value);
}

void replyRead(State& state, const Command& command, const Outcome& outcome) {
  if (outcome.status == Status::ok) return writeFound(state, command, outcome);
  if (command.noreply) return;
  if (!command.withKey) return replyPacket(state, command, status::NOT_FOUND, 0, textOf(status::NOT_FOUND));
  Header header = headerOf(command.opcode, command.opaque, status::NOT_FOUND, 0);
  header.keyBytes = swap(static_cast<uint16_t>(command.key.size()));
  header.bodyBytes = swap(static_cast<uint32_t>(command.key.size()));
  char* const at = put(state.output.reserve(REPLY_LINE_BYTES_MAX), header);
  state.output.commit(memcached::put(at, command.key));
}

uint16_t statusOf(const Command& command, const Outcome& outcome) {
  switch (outcome.status) {
    case Status::ok:
    case Status::done:
    case Status::reset: return status::OK;
    case Status::notFound: return status::NOT_FOUND;
    case Status::exists: return status::EXISTS;
    case Status::nonNumeric: return status::NON_NUMERIC;
    case Status::noMemory: return status::NO_MEMORY;
    case Status::notStored:
      if (command.mode == Mode::add) return status::EXISTS;
      return command.mode == Mode::replace ? status::NOT_FOUND : status::NOT_STORED;
    case Status::failed: break;
  }
  return status::TEMPORARY_FAILURE;
}

void replyNumber(State& state, const Command& command, const Outcome& outcome) {
  const uint64_t number = swap(outcome.number);
  char body[sizeof number];
  std::memcpy(body, &number, sizeof number);
  replyPacket(state, command, status::OK, outcome.cas, {body, sizeof body});
}

}  // namespace

void replyPacket(State& state, const Command& command, uint16_t status, uint64_t cas, std::string_view body) {
  Header header = headerOf(command.opcode, command.opaque, status, cas);
  header.bodyBytes = swap(static_cast<uint32_t>(body.size()));
  state.output.commit(put(state.output.reserve(sizeof header), header));
  state.output.append(body);
}

void replyStatistic(State& state, const Command& command, std::string_view name, std::string_view value) {
  if (command.dialect != Dialect::binary) {
    state.output.append("STAT ");
    state.output.append(name);
    if (!value.empty()) state.output.append(" ");
    state.output.append(value);
    state.output.append(LINE_END);
    return;
  }
  Header header = headerOf(op::STAT, command.opaque, status::OK, 0);
  header.keyBytes = swap(static_cast<uint16_t>(name.size()));
  header.bodyBytes = swap(static_cast<uint32_t>(name.size() + value.size()));
  state.output.commit(put(state.output.reserve(sizeof header), header));
  state.output.append(name);
  state.output.append(value);
}

void replyBinary(State& state, const Command& command, const Outcome& outcome) {
  const uint16_t status = statusOf(command, outcome);
  if (status == status::TEMPORARY_FAILURE) return replyPacket(state, command, status, 0, outcome.value);
  if (command.verb == Verb::read) return replyRead(state, command, outcome);
  if (status != status::OK) return replyPacket(state, command, status, 0, textOf(status));
  if (command.noreply) return;
  if (command.verb == Verb::arithmetic) return replyNumber(state, command, outcome);
  // Of what was stored; a delete and the rest have none.
  replyPacket(state, command, status, command.verb == Verb::write ? outcome.cas : 0, {});
}

}  // namespace memcached

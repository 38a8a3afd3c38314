#include "memcached/binary.h"

#include "memcached/text.h"

namespace memcached {

using namespace binary;

namespace {

/** Which quiet command is which, and what a packet of it must have. */
struct Kind {
  uint8_t opcode = 0;
  bool known = false;
  bool quiet = false;
  bool keyed = false;
  bool valued = false;
  uint8_t extraBytes = 0;
};

constexpr uint32_t KINDS = 0x25;

struct Kinds {
  Kind of[KINDS];

  constexpr void add(uint8_t opcode, uint8_t quiet, bool keyed, bool valued, uint8_t extraBytes) {
    of[opcode] = {opcode, true, false, keyed, valued, extraBytes};
    of[quiet] = {opcode, true, quiet != opcode, keyed, valued, extraBytes};
  }
};

constexpr Kinds MADE = [] {
  Kinds kinds;
  kinds.add(op::GET, op::GETQ, true, false, 0);
  kinds.add(op::GETK, op::GETKQ, true, false, 0);
  kinds.add(op::GAT, op::GATQ, true, false, 4);
  kinds.add(op::GATK, op::GATKQ, true, false, 4);
  kinds.add(op::TOUCH, op::TOUCH, true, false, 4);
  kinds.add(op::SET, op::SETQ, true, true, 8);
  kinds.add(op::ADD, op::ADDQ, true, true, 8);
  kinds.add(op::REPLACE, op::REPLACEQ, true, true, 8);
  kinds.add(op::APPEND, op::APPENDQ, true, true, 0);
  kinds.add(op::PREPEND, op::PREPENDQ, true, true, 0);
  kinds.add(op::DELETE, op::DELETEQ, true, false, 0);
  kinds.add(op::INCREMENT, op::INCREMENTQ, true, false, 20);
  kinds.add(op::DECREMENT, op::DECREMENTQ, true, false, 20);
  kinds.add(op::FLUSH, op::FLUSHQ, false, false, 4);
  kinds.add(op::STAT, op::STAT, true, false, 0);
  kinds.add(op::NOOP, op::NOOP, false, false, 0);
  kinds.add(op::VERSION, op::VERSION, false, false, 0);
  kinds.add(op::QUIT, op::QUITQ, false, false, 0);
  kinds.add(op::SASL_LIST, op::SASL_LIST, false, false, 0);
  kinds.add(op::SASL_AUTH, op::SASL_AUTH, true, true, 0);
  kinds.add(op::SASL_STEP, op::SASL_STEP, true, true, 0);
  return kinds;
}();

Kind kindOf(uint8_t opcode) { return opcode < KINDS ? MADE.of[opcode] : Kind{}; }

bool wellFormed(const Kind& kind, const Packet& packet) {
  const bool extras = packet.header.extraBytes == kind.extraBytes || //
                      (kind.opcode == op::FLUSH && packet.header.extraBytes == 0);
  const bool key = kind.keyed ? !packet.key.empty() || kind.opcode == op::STAT : packet.key.empty();
  return extras && key && (kind.valued || packet.valueBytes == 0);
}

bool mayCome(const State& state, uint8_t opcode) {
  if (!state.settings.credentials.required() || state.authenticated) return true;
  return opcode == op::SASL_LIST || opcode == op::SASL_AUTH || opcode == op::SASL_STEP || opcode == op::VERSION;
}

Progress parseWrite(State& state, const Packet& packet, Mode mode) {
  const bool joins = mode == Mode::append || mode == Mode::prepend;
  const uint32_t clientFlags = joins ? 0 : load<uint32_t>(packet.extras);
  if (itemBytes(packet.key.size(), clientFlags, packet.valueBytes) > state.settings.itemBytesMax) {
    Command& command = pushPacket(state, packet);
    if (mode == Mode::set) command.verb = Verb::remove; // what was there before may not stay
    command.key = packet.key;
    command.refused = true;
    command.saidStatus = status::TOO_LARGE;
    command.said = textOf(status::TOO_LARGE);
    state.swallow = packet.valueBytes;
    state.input.consume(packet.fixedBytes);
    return Progress::on;
  }
  const size_t all = packet.fixedBytes + packet.valueBytes;
  if (state.input.unread() < all) {
    state.input.need(all);
    return Progress::starved;
  }
  Command& command = pushPacket(state, packet);
  command.verb = Verb::write;
  command.hasCas = packet.header.cas != 0;
  command.compareCas = packet.header.cas;
  command.mode = command.hasCas && !joins ? Mode::cas : mode;
  command.key = packet.key;
  command.value = {state.input.at() + packet.fixedBytes, packet.valueBytes};
  command.clientFlags = clientFlags;
  if (!joins) command.exptime = load<uint32_t>(packet.extras + 4);
  state.input.consume(all);
  return Progress::on;
}

void parseRead(State& state, const Packet& packet) {
  Command& command = pushPacket(state, packet);
  command.verb = Verb::read;
  command.key = packet.key;
  command.withKey = packet.opcode == op::GETK || packet.opcode == op::GATK;
  command.touchOnly = packet.opcode == op::TOUCH;
  command.wantsValue = !command.touchOnly;
  command.touches = packet.header.extraBytes != 0;
  if (command.touches) command.exptime = load<uint32_t>(packet.extras);
}

void parseCount(State& state, const Packet& packet) {
  constexpr uint32_t CREATES_NOT = 0xffffffff;
  const auto expiration = load<uint32_t>(packet.extras + 16);
  Command& command = pushPacket(state, packet);
  command.verb = Verb::arithmetic;
  command.key = packet.key;
  command.decreases = packet.opcode == op::DECREMENT;
  command.delta = load<uint64_t>(packet.extras);
  command.initial = load<uint64_t>(packet.extras + 8);
  command.vivifies = expiration != CREATES_NOT;
  command.vivifyExptime = expiration;
  command.hasCas = packet.header.cas != 0;
  command.compareCas = packet.header.cas;
}

void parseStat(State& state, const Packet& packet) {
  Command& command = pushPacket(state, packet);
  command.verb = Verb::statistics;
  const size_t blank = packet.key.find(' ');
  command.key = packet.key.substr(0, blank);
  if (blank != std::string_view::npos) command.value = packet.key.substr(blank + 1);
}

/** Commands of which all is there. */
void parseWhole(State& state, const Packet& packet) {
  switch (packet.opcode) {
    case op::DELETE: {
      Command& command = pushPacket(state, packet);
      command.verb = Verb::remove;
      command.key = packet.key;
      command.hasCas = packet.header.cas != 0;
      command.compareCas = packet.header.cas;
      break;
    }
    case op::FLUSH: {
      Command& command = pushPacket(state, packet);
      command.verb = Verb::flush;
      if (packet.header.extraBytes != 0) command.exptime = load<uint32_t>(packet.extras);
      break;
    }
    case op::INCREMENT:
    case op::DECREMENT: parseCount(state, packet); break;
    case op::STAT: parseStat(state, packet); break;
    case op::NOOP: sayPacket(state, packet, status::OK, {}); break;
    case op::VERSION: sayPacket(state, packet, status::OK, state.settings.version); break;
    case op::QUIT:
      if (!packet.quiet) sayPacket(state, packet, status::OK, {});
      close(state);
      break;
    default: parseRead(state, packet);
  }
  state.input.consume(packet.fixedBytes);
}

/** Reads the header. False: it is all wrong, and answered. */
bool readPacket(State& state, Packet& packet) {
  const char* const at = state.input.at();
  Header& header = packet.header;
  std::memcpy(&header, at, sizeof header);
  header.keyBytes = swap(header.keyBytes);
  header.bodyBytes = swap(header.bodyBytes);
  header.cas = swap(header.cas);
  const Kind kind = kindOf(header.opcode);
  packet.opcode = kind.known ? kind.opcode : header.opcode;
  packet.quiet = kind.quiet;
  if (header.magic != REQUEST) {
    close(state);
  } else if (uint32_t{header.keyBytes} + header.extraBytes > header.bodyBytes) {
    breakOff(state, packet, status::UNKNOWN_COMMAND);
  } else if (!mayCome(state, header.opcode)) {
    breakOff(state, packet, status::AUTH_ERROR);
  } else if (header.keyBytes > KEY_BYTES_MAX) {
    breakOff(state, packet, status::INVALID);
  } else {
    packet.fixedBytes = sizeof header + header.extraBytes + header.keyBytes;
    packet.extras = at + sizeof header;
    packet.key = {packet.extras + header.extraBytes, header.keyBytes};
    packet.valueBytes = header.bodyBytes - header.extraBytes - header.keyBytes;
    return true;
  }
  return false;
}

}  // namespace

std::string_view binary::textOf(uint16_t status) {
  switch (status) {
    case status::NOT_FOUND: return "Not found";
    case status::EXISTS: return "Data exists for key.";
    case status::TOO_LARGE: return "Too large.";
    case status::INVALID: return "Invalid arguments";
    case status::NOT_STORED: return "Not stored.";
    case status::NON_NUMERIC: return "Non-numeric server-side value for incr or decr";
    case status::AUTH_ERROR: return "Auth failure.";
    case status::UNKNOWN_COMMAND: return "Unknown command";
    case status::NO_MEMORY: return "Out of memory";
    default: return {};
  }
}

Command& pushPacket(State& state, const Packet& packet) {
  Command& command = push(state);
  command.dialect = Dialect::binary;
  command.opcode = packet.header.opcode;
  command.opaque = packet.header.opaque;
  command.noreply = packet.quiet;
  return command;
}

void sayPacket(State& state, const Packet& packet, uint16_t status, std::string_view body) {
  Command& command = pushPacket(state, packet);
  command.saidStatus = status;
  command.said = body;
}

void refusePacket(State& state, const Packet& packet, uint16_t status) {
  sayPacket(state, packet, status, textOf(status));
  state.swallow = packet.valueBytes;
  state.input.consume(packet.fixedBytes);
}

void breakOff(State& state, const Packet& packet, uint16_t status) {
  sayPacket(state, packet, status, textOf(status));
  close(state);
}

Progress parseBinary(State& state) {
  if (state.input.unread() < sizeof(Header)) return Progress::starved;
  Packet packet;
  if (!readPacket(state, packet)) return Progress::on;
  if (state.input.unread() < packet.fixedBytes) {
    state.input.need(packet.fixedBytes);
    return Progress::starved;
  }
  const Kind kind = kindOf(packet.header.opcode);
  if (!kind.known) {
    refusePacket(state, packet, status::UNKNOWN_COMMAND);
    return Progress::on;
  }
  if (!wellFormed(kind, packet)) {
    breakOff(state, packet, status::INVALID);
    return Progress::on;
  }
  switch (kind.opcode) {
    case op::SET: return parseWrite(state, packet, Mode::set);
    case op::ADD: return parseWrite(state, packet, Mode::add);
    case op::REPLACE: return parseWrite(state, packet, Mode::replace);
    case op::APPEND: return parseWrite(state, packet, Mode::append);
    case op::PREPEND: return parseWrite(state, packet, Mode::prepend);
    case op::SASL_LIST:
    case op::SASL_AUTH:
    case op::SASL_STEP: return parseSasl(state, packet);
    default: parseWhole(state, packet); return Progress::on;
  }
}

}  // namespace memcached

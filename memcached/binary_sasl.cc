/** SASL in the binary protocol: PLAIN, whose message is "authzid NUL user NUL password". */
#include "memcached/binary.h"

namespace memcached {

using namespace binary;

namespace {

constexpr std::string_view PLAIN = "PLAIN";

bool acceptsPlain(const Credentials& credentials, std::string_view message) {
  const size_t userAt = message.find('\0');
  if (userAt == std::string_view::npos) return false;
  const size_t passwordAt = message.find('\0', userAt + 1);
  if (passwordAt == std::string_view::npos) return false;
  const std::string_view actsFor = message.substr(0, userAt);
  const std::string_view user = message.substr(userAt + 1, passwordAt - userAt - 1);
  if (user.empty() || (!actsFor.empty() && actsFor != user)) return false;
  return credentials.accepts(credentials.context, user, message.substr(passwordAt + 1));
}

/** What came of AUTH or STEP with such a message. */
uint16_t authenticate(State& state, const Packet& packet, std::string_view message) {
  state.authenticated = false;
  const bool isStep = packet.opcode == op::SASL_STEP;
  const bool wasBegun = state.mechanismBegun;
  state.mechanismBegun = false;
  if (packet.key != PLAIN || (isStep && !wasBegun)) return status::AUTH_ERROR;
  if (!isStep && message.empty()) {
    state.mechanismBegun = true;
    return status::AUTH_CONTINUE;
  }
  if (!acceptsPlain(state.settings.credentials, message)) return status::AUTH_ERROR;
  state.authenticated = true;
  return status::OK;
}

}  // namespace

Progress parseSasl(State& state, const Packet& packet) {
  if (!state.settings.credentials.required()) {
    refusePacket(state, packet, status::UNKNOWN_COMMAND);
    return Progress::on;
  }
  if (packet.opcode == op::SASL_LIST) {
    sayPacket(state, packet, status::OK, PLAIN);
    state.input.consume(packet.fixedBytes);
    return Progress::on;
  }
  if (packet.key.size() > MECHANISM_BYTES_MAX || packet.valueBytes > CREDENTIALS_BYTES_MAX) {
    refusePacket(state, packet, packet.key.size() > MECHANISM_BYTES_MAX ? status::INVALID : status::NO_MEMORY);
    return Progress::on;
  }
  const size_t all = packet.fixedBytes + packet.valueBytes;
  if (state.input.unread() < all) {
    state.input.need(all);
    return Progress::starved;
  }
  const uint16_t came = authenticate(state, packet, {state.input.at() + packet.fixedBytes, packet.valueBytes});
  sayPacket(state, packet, came, came == status::OK ? "Authenticated" : textOf(came));
  state.input.consume(all);
  return Progress::on;
}

}  // namespace memcached

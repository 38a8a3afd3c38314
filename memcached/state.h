/** A connection's record, which the parsers and the replies are functions over. connection.h is its face. */
#pragma once

#include <string_view>

#include "memcached/command.h"
#include "memcached/input.h"
#include "memcached/output.h"
#include "memcached/queue.h"
#include "memcached/settings.h"

namespace memcached {

/** What the next bytes are. */
enum class Phase : uint8_t {
  protocol, // the first byte of all tells
  line,     // text: a command
  keys,     // text: the rest of a get, whose line is in the buffer
  stream,   // text: the rest of a get, whose line is longer than that
  skip,     // text: up to the end of a line
  login,    // text: a set with user and password
  packet,   // binary
  closed,   // nothing is read any more
};

/** Whether a parser went on, or can only with more bytes. */
enum class Progress : uint8_t { on, starved };

struct State {
  State(Pool& pool, const Settings& ofServer) : settings(ofServer), input(pool), output(pool), queue(pool) {}

  const Settings& settings;
  Input input;
  Output output;
  Queue queue;

  Phase phase = Phase::protocol;
  bool authenticated = false;
  bool mechanismBegun = false; // SASL: AUTH came without credentials, STEP brings them
  bool starved = true;         // nothing more can be parsed without more input
  bool inputEnded = false;
  bool listFailed = false;     // a key of the get that is being answered failed: the rest of it is not said
  uint64_t swallow = 0;        // bytes that belong to a refused command

  // Phases keys and stream.
  size_t keyBytesLeft = 0; // keys: up to the end of the line
  size_t lineEndBytes = 0; // keys: and the bytes of that end
  Command getting;         // what every key of it is
};

/** A reply without execution, at its turn: a line of text without its end. `text` outlives the connection. */
void say(State& state, std::string_view text);

/** Adds a command at the end of the queue. Whoever points into the input calls it before he consumes. */
inline Command& push(State& state) {
  Command& command = state.queue.push();
  state.input.holdUntil(state.queue.pushed());
  return command;
}

inline void close(State& state) { state.phase = Phase::closed; }

}  // namespace memcached

#include "memcached/connection.h"

#include <algorithm>
#include <cstring>

#include "memcached/assert.h"
#include "memcached/binary.h"
#include "memcached/reply.h"
#include "memcached/text.h"

namespace memcached {
namespace {

/** The first byte decides for the whole connection. */
Progress chooseProtocol(State& state) {
  if (state.input.unread() == 0) return Progress::starved;
  const bool isBinary = static_cast<uint8_t>(*state.input.at()) == binary::REQUEST;
  const bool mustLogin = state.settings.credentials.required();
  state.phase = isBinary ? Phase::packet : mustLogin ? Phase::login : Phase::line;
  return Progress::on;
}

Progress skipLine(State& state) {
  const size_t unread = state.input.unread();
  if (unread == 0) return Progress::starved;
  const auto* const end = static_cast<const char*>(std::memchr(state.input.at(), '\n', unread));
  if (end != nullptr) state.phase = Phase::line;
  state.input.consume(end == nullptr ? unread : static_cast<size_t>(end - state.input.at()) + 1);
  return Progress::on;
}

Progress swallow(State& state) {
  const uint64_t bytes = std::min<uint64_t>(state.swallow, state.input.unread());
  if (bytes == 0) return Progress::starved;
  state.input.consume(bytes);
  state.swallow -= bytes;
  return Progress::on;
}

}  // namespace

bool Connection::wantsInput() const {
  return state_.starved && !state_.inputEnded && state_.phase != Phase::closed &&
         state_.input.heldBytes() < INPUT_BYTES_MAX && state_.output.bytes() < OUTPUT_BYTES_MAX;
}

void Connection::received(size_t bytes) {
  state_.input.received(bytes);
  state_.starved = state_.starved && bytes == 0;
}

void Connection::endOfInput() { state_.inputEnded = true; }

size_t Connection::feed(std::string_view bytes) {
  if (bytes.empty() || !wantsInput()) return 0;
  const std::span<char> space = inputSpace();
  const size_t taken = std::min(space.size(), bytes.size());
  std::memcpy(space.data(), bytes.data(), taken);
  received(taken);
  return taken;
}

bool Connection::closeWanted() const {
  const bool ends = state_.phase == Phase::closed || (state_.inputEnded && state_.starved);
  return ends && state_.queue.empty() && state_.output.bytes() == 0;
}

Progress Connection::step() {
  if (state_.swallow != 0) return swallow(state_);
  switch (state_.phase) {
    case Phase::line: return parseText(state_);
    case Phase::packet: return parseBinary(state_);
    case Phase::keys: return parseKeys(state_);
    case Phase::stream: return parseStream(state_);
    case Phase::skip: return skipLine(state_);
    case Phase::login: return parseLogin(state_);
    case Phase::protocol: return chooseProtocol(state_);
    case Phase::closed: break;
  }
  return Progress::starved;
}

/** Fills the queue from what has come. Every step adds a command at most, or looks itself whether there is room. */
void Connection::parse() {
  while (!state_.starved && !state_.queue.full()) {
    state_.starved = step() == Progress::starved;
  }
  state_.input.release(state_.queue.answered());
}

/** Replies that wait for nothing but their turn. */
void Connection::replyDue() {
  Queue& queue = state_.queue;
  while (!queue.empty() && queue.oldest().verb == Verb::say) {
    replySaid(state_, queue.oldest());
    queue.answer();
  }
}

const Command* Connection::take() {
  Queue& queue = state_.queue;
  for (;;) {
    if (state_.output.bytes() >= OUTPUT_BYTES_MAX) return nullptr;
    while (queue.given() != queue.pushed()) {
      if (queue.next().verb != Verb::say) {
        const Command* const command = &queue.next();
        queue.give();
        ++unanswered_;
        return command;
      }
      // Behind a command that is not answered it waits; answer() finds it.
      queue.give();
      replyDue();
    }
    if (state_.starved || queue.full()) {
      state_.input.release(queue.answered());
      queue.release();
      return nullptr;
    }
    parse();
  }
}

void Connection::answer(const Outcome& outcome) {
  Queue& queue = state_.queue;
  require(unanswered_ != 0, "connection: an answer belongs to a command that was given out");
  --unanswered_;
  reply(state_, queue.oldest(), outcome);
  queue.answer();
  replyDue();
}

void Connection::statistic(std::string_view name, std::string_view value) {
  require(unanswered_ != 0 && state_.queue.oldest().verb == Verb::statistics,
          "connection: statistics are for a command that asks for them");
  replyStatistic(state_, state_.queue.oldest(), name, value);
}

}  // namespace memcached

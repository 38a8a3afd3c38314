/**
 * One client's connection, without its socket: bytes in, commands out; outcomes in, bytes out. One thread.
 *
 * The socket side: while wantsInput(), receive into inputSpace() and say received(). Send outputPieces() and say
 * sent(). After each of these, and after outcomes, ask take() for commands until it gives none: it is what parses.
 * Close when closeWanted(). A client that does not read its replies stops being read from: wantsInput() is false.
 *
 * The execution side: take() gives the next command, in order; answer() takes the outcome of the oldest that was
 * given out. Any number may be given out before the first is answered, up to COMMANDS_MAX. What a command points to
 * stays where it is until it is answered. Replies leave in the order of the commands whatever is between them.
 * Commands that need no execution (version, errors, logins) are never seen here.
 */
#pragma once

#include <span>
#include <string_view>

#include "memcached/state.h"

namespace memcached {

class Connection {
 public:
  /** Both outlive it. */
  Connection(Pool& pool, const Settings& settings) : state_(pool, settings) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool wantsInput() const;
  /** Only while wantsInput(); never empty. */
  std::span<char> inputSpace() { return state_.input.space(state_.queue.answered()); }
  void received(size_t bytes);
  /** The client sends no more. What it sent is answered, then closeWanted(). */
  void endOfInput();

  /** Copies for a caller whose bytes lie elsewhere. Returns how many were taken; the rest after wantsInput(). */
  size_t feed(std::string_view bytes);

  size_t outputBytes() const { return state_.output.bytes(); }
  size_t outputPieces(std::span<std::string_view> pieces) const { return state_.output.pieces(pieces); }
  void sent(size_t bytes) { state_.output.sent(bytes); }
  bool closeWanted() const;

  /** The next command to execute, or nullptr: none is there, or too much output waits to be sent. */
  const Command* take();
  /** Of the oldest command that was given out and not answered. */
  void answer(const Outcome& outcome);
  /** For the oldest command, if it is Verb::statistics, before its answer. */
  void statistic(std::string_view name, std::string_view value);
  /** Commands given out and not answered. */
  uint64_t unanswered() const { return unanswered_; }

 private:
  void parse();
  Progress step();
  void replyDue();

  State state_;
  uint64_t unanswered_ = 0;
};

}  // namespace memcached

#include "front/front.h"

#include <algorithm>
#include <random>

namespace front {

using memcached::Command;
using memcached::Outcome;

Front::Front(machine::Machine& machine, const FrontSettings& settings) : machine_(machine), settings_(settings) {
  // Nonces of different lives and replicas must differ, no more.
  std::random_device device;
  nonce_ = uint64_t{device()} << 32 | device();
}

void Front::activate(Client& client) {
  if (client.active) return;
  client.active = true;
  active_.push_back(&client);
}

void Front::touch(Client& client) {
  if (client.touched) return;
  client.touched = true;
  touched_.push_back(&client);
}

void Front::turn(bool serving, bool open, uint64_t nowMillis) {
  nowMillis_ = nowMillis;
  serving_ = serving;
  open_ = open;
  stalled_ = !open;
  abandonEnded();
  if (serving_ && !linked_) serve();
  if (linked_ && open_) {
    sendErrands();
    openSessions();
  }
  pumpActive();
  if (linked_ && open_ && !submit()) stalled_ = true;
  lookAfter();
}

void Front::endTurn() {
  // Nothing is packed now: what is to be sent waits for the next turn.
  open_ = false;
  pumpActive();
}

void Front::pumpActive() {
  working_.swap(active_);
  for (Client* const client : working_) {
    client->active = false;
    pump(*client);
  }
  working_.clear();
}

/** Answers what can be answered now, and sends what has to go through the order. */
void Front::pump(Client& client) {
  for (;;) {
    takeAll(client);
    send(client);
    if (client.waiting.empty() || !client.waiting.noneSent() || !serving_) break;
    // The oldest waits for nothing but us.
    const Command& command = *client.waiting.front().command;
    if (!client.waiting.front().fetches && (isLocal(command) || isPlainRead(command))) {
      if (answerHere(client, command)) {
        client.waiting.pop();
        continue;
      }
      if (isLocal(command)) break;
      client.waiting.front().fetches = true;
      continue;
    }
    break;
  }
  if (client.waiting.empty() && client.session != nullptr) giveBack(client);
  touch(client);
}

void Front::takeAll(Client& client) {
  while (!client.waiting.full()) {
    const Command* const command = client.connection.take();
    if (command == nullptr) return;
    const bool here = client.waiting.empty() && serving_ && (isLocal(*command) || isPlainRead(*command));
    if (here && answerHere(client, *command)) continue;
    if (client.waiting.empty()) client.progressMillis = nowMillis_;
    if (!client.listed) {
      client.listed = true;
      waiters_.push_back(&client);
    }
    client.waiting.push(command);
    client.waiting.front().fetches = client.waiting.front().fetches || (here && !isLocal(*command));
  }
}

void Front::answer(Client& client, const Command& command, const Outcome& outcome) {
  count(command, outcome);
  client.connection.answer(outcome);
}

/** The oldest command has its outcome. */
void Front::finish(Client& client, const Outcome& outcome) {
  const Command& command = *client.waiting.front().command;
  client.waiting.pop();
  client.progressMillis = nowMillis_;
  answer(client, command, outcome);
  touch(client);
  activate(client);
}

/** Whether an answer is the next one. One that was given already comes again when something was sent again. */
bool Front::settle(Session& session, uint64_t operation) {
  if (session.ended || operation < session.expected) return false;
  machine::require(operation == session.expected && operation < session.operation,
                   "front: a session is answered in the order of its operations");
  ++session.expected;
  return true;
}

void Front::run(const machine::Answered& to, uint32_t status, uint32_t count, uint64_t version) {
  if (to.session == 0) return opened(to.operation, status, version);
  const uint32_t step = status == wire::status::OK ? 1 : 0;
  for (uint32_t i = 0; i < count; ++i) {
    Session* const session = sessions_.find(to.session);
    if (session == nullptr) return;
    if (settle(*session, to.operation + i)) answered(*session, status, version + uint64_t{step} * i);
  }
}

void Front::answered(Session& session, uint32_t status, uint64_t version) {
  if (session.errand != Errand::none) {
    ++session.expectedSequence;
    return endErrand(session, status);
  }
  Client& client = *session.client;
  Waiting& waiting = client.waiting.front();
  if (!waiting.reads) ++session.expectedSequence;
  if (status == wire::status::SESSION_EXPIRED) {
    // Whoever is sending may be in the middle of it.
    session.ended = true;
    ended_.push_back(&session);
    return activate(client);
  }
  if (status == wire::status::OVERTAKEN && readAgain(client)) return;
  // Of fragments the last one says what came of all.
  if (++waiting.answered < waiting.operations) return;
  finish(client, outcomeOf(*waiting.command, status, version));
}

void Front::value(const machine::Answered& to, uint64_t, const wire::ItemHead* head, const uint8_t* value,
                  uint32_t valueBytes) {
  Session* const session = sessions_.find(to.session);
  if (session == nullptr || !settle(*session, to.operation)) return;
  machine::require(session->client != nullptr, "front: a value is for a command");
  Client& client = *session->client;
  const Waiting& waiting = client.waiting.front();
  if (!waiting.reads) ++session->expectedSequence;
  wire::ItemHead itself{};
  if (head == nullptr) {
    itself = wire::load<wire::ItemHead>(value);
    value += sizeof itself;
    valueBytes -= sizeof itself;
    head = &itself;
  }
  Outcome outcome = outcomeOf(*waiting.command, *head, {reinterpret_cast<const char*>(value), valueBytes});
  // It became stale while it was asked for among other commands: as if another had won it, and the next who asks does.
  if (waiting.reads && outcome.stale && !outcome.won) outcome.wonBefore = true;
  if (asksFormerTime(*waiting.command) && !outcome.created) outcome.ttlBefore = ttlOf(waiting.expiry, head->now);
  finish(client, outcome);
}

void Front::forget(Client& client) {
  if (client.session != nullptr) abandon(client, "the connection is gone");
  const auto is = [&](const Client* each) { return each == &client; };
  if (client.active) std::erase_if(active_, is);
  if (client.queued) std::erase_if(queue_, is);
  if (client.listed) std::erase_if(waiters_, is);
  if (client.touched) std::erase_if(touched_, is);
}

void Front::tell(Told told) {
  told_ = std::move(told);
  wantsTold_ = false;
  hasTold_ = true;
}

}  // namespace front

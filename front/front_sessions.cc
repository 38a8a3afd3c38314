// The part of front.h that opens sessions, keeps them alive, and gives up what waits for too long.

#include <algorithm>
#include <cstring>

#include "front/front.h"
#include "machine/codec.h"

namespace front {

namespace {

constexpr uint64_t LOOK_MILLIS = 50;
/** An OPEN that is not answered for so long is said again. */
constexpr uint64_t OPEN_MILLIS = 2000;
constexpr size_t OPENING_MAX = 64;
/** A cluster that has its most sessions is asked again after so long. */
constexpr uint64_t REFUSED_MILLIS = 100;
/** Reads are told of in so large pieces, or so often. */
constexpr size_t READS_TOLD_MIN = 32;
constexpr uint64_t READS_TOLD_MILLIS = 20;
/** Sessions that are kept though nobody needs them. */
constexpr size_t SPARE_SESSIONS = 4;
/** Hashes of one USED: a few hundred bytes. */
constexpr size_t READS_TOLD_MAX = 64;
constexpr size_t ERRANDS_OF_LOOK_MAX = 64;

}  // namespace

/** A new link: whoever waits goes on, and what was sent over the one before is sent again. */
void Front::serve() {
  machine_.linkOpen(settings_.link, 0, this);
  linked_ = true;
  openMillis_ = nowMillis_;
  for (Client* const client : waiters_) activate(*client);
}

bool Front::borrow(Client& client) {
  client.session = sessions_.borrow();
  if (client.session != nullptr) {
    client.session->client = &client;
    return true;
  }
  if (!client.queued) {
    client.queued = true;
    queue_.push_back(&client);
    openSessions();
  }
  return false;
}

void Front::giveBack(Client& client) {
  Session* const session = client.session;
  client.session = nullptr;
  handOn(session);
}

/** A session that nobody needs any more: whoever waits for one goes on. */
void Front::handOn(Session* session) {
  sessions_.giveBack(session, nowMillis_);
  if (queue_.empty()) return;
  Client& next = *queue_.front();
  queue_.pop_front();
  next.queued = false;
  activate(next);
}

void Front::openSessions() {
  if (nowMillis_ - openMillis_ > OPEN_MILLIS) opening_.clear();
  if (refusedMillis_ != 0 && nowMillis_ - refusedMillis_ < REFUSED_MILLIS) return;
  const size_t own = !reads_.empty() && sessions_.count() == 0 ? 1 : 0;
  while (opening_.size() < std::min(queue_.size() + own, OPENING_MAX)) {
    constexpr uint32_t bytes = sizeof(wire::Operation) + machine::NONCE_BYTES;
    if (!hasRoom(bytes) && !submit()) return;
    const uint64_t nonce = ++nonce_;
    closeRecord();
    uint8_t* const at = settings_.slab + settings_.slotOffset + used_;
    wire::store(at, wire::Record{sizeof(wire::Record) + bytes, 1, wire::ORIGIN_CLIENT, 0, 0, 0, nonce, 1, 0});
    wire::store(at + sizeof(wire::Record), wire::Operation{wire::op::OPEN, machine::NONCE_BYTES, 0});
    wire::store(at + sizeof(wire::Record) + sizeof(wire::Operation), nonce);
    used_ += sizeof(wire::Record) + bytes;
    ++operations_;
    opening_.push_back(nonce);
    openMillis_ = nowMillis_;
  }
}

void Front::opened(uint64_t nonce, uint32_t status, uint64_t id) {
  std::erase(opening_, nonce);
  if (status != wire::status::OK) {
    refusedMillis_ = nowMillis_;  // one that is given back does as well
    return;
  }
  ++counts.sessions_opened;
  handOn(sessions_.add(id));
}

void Front::startErrand(Session* session, Errand errand) {
  session->errand = errand;
  if (errand == Errand::close) ++closing_;
  errands_.push_back(session);
}

void Front::sendErrands() {
  const bool due = reads_.size() >= READS_TOLD_MIN || nowMillis_ - toldMillis_ >= READS_TOLD_MILLIS;
  if (!reads_.empty() && telling_.empty() && due) {
    if (Session* const session = sessions_.borrow()) {
      telling_.resize(reads_.size() * sizeof(uint64_t));
      std::memcpy(telling_.data(), reads_.data(), telling_.size());
      reads_.clear();
      toldMillis_ = nowMillis_;
      startErrand(session, Errand::used);
    }
  }
  while (!errands_.empty() && sendErrand(*errands_.back())) errands_.pop_back();
}

bool Front::sendErrand(Session& session) {
  machine::OperationColumns columns;
  columns.count = 1;
  columns.kindOfAll = session.errand == Errand::close ? wire::op::CLOSE
                      : session.errand == Errand::used ? wire::op::USED
                                                       : wire::op::TOUCH;
  if (session.errand == Errand::used) {
    columns.values = telling_.data();
    columns.valuesBytes = columns.valueBytesOfAll = static_cast<uint32_t>(telling_.size());
  }
  machine::Encoding encoding;
  if (!encode(session, columns, encoding)) return false;
  if (session.errand == Errand::used) telling_.clear();
  return true;
}

void Front::endErrand(Session& session, uint32_t status) {
  if (session.errand == Errand::close) --closing_;
  if (status == wire::status::SESSION_EXPIRED || session.errand == Errand::close) return sessions_.remove(&session);
  handOn(&session);
}

/** Nobody knows what came of it: all that waits is answered so, and the session is left to end by itself. */
void Front::abandon(Client& client, std::string_view sentence) {
  Session* const session = client.session;
  client.session = nullptr;
  if (session != nullptr) {
    // A record of it that is still being built stays well formed; its answers find nobody.
    std::erase(ended_, session);
    sessions_.remove(session);
  }
  while (!client.waiting.empty()) finish(client, failureOf(sentence));
}

void Front::abandonEnded() {
  while (!ended_.empty()) {
    Session* const session = ended_.back();
    ended_.pop_back();
    if (session->client != nullptr) {
      abandon(*session->client, "the replica was away for too long: it may or may not have been done");
    } else {
      sessions_.remove(session);
    }
  }
}

/** Now and then: what waits for too long, and sessions that are about to end. */
void Front::lookAfter() {
  if (nowMillis_ - lookMillis_ < LOOK_MILLIS) return;
  lookMillis_ = nowMillis_;
  std::erase_if(waiters_, [](Client* client) { return !(client->listed = !client->waiting.empty()); });
  std::vector<Client*> late;
  for (Client* const client : waiters_) {
    if (nowMillis_ - client->progressMillis > settings_.waitMillis) late.push_back(client);
  }
  for (Client* const client : late) {
    abandon(*client, client->queued ? "the cluster has its most sessions: it was not done, try again"
                     : serving_     ? "timed out: it may or may not have been done"
                                    : "no leader for now: it may or may not have been done, try again");
  }
  if (!linked_ || settings_.sessionMillis == 0) return;
  const uint64_t idle = settings_.sessionMillis / 3;
  for (size_t i = 0; i < ERRANDS_OF_LOOK_MAX && nowMillis_ > idle; ++i) {
    Session* const session = sessions_.borrowIdle(nowMillis_ - idle);
    if (session == nullptr) break;
    const bool isSpare = sessions_.count() - closing_ > SPARE_SESSIONS;
    startErrand(session, isSpare ? Errand::close : Errand::touch);
  }
}

void Front::tellRead(uint64_t hash) {
  if (!settings_.tellsReads || ++readCount_ % 8 != 0 || reads_.size() >= READS_TOLD_MAX) return;
  reads_.push_back(hash);
}

}  // namespace front

// The part of front.h that puts operations into REQUESTs and hands them to the machine.

#include <algorithm>

#include "front/front.h"
#include "machine/codec.h"

namespace front {

using memcached::Command;

namespace {

machine::OperationColumns columnsOf(const Command& command, const Ordered& ordered) {
  machine::OperationColumns columns;
  const uint8_t traits = machine::TRAITS[ordered.kind];
  columns.count = 1;
  columns.kindOfAll = ordered.kind;
  columns.prefixes = ordered.prefix;
  if ((traits & machine::trait::KEYED) != 0) {
    columns.keys = reinterpret_cast<const uint8_t*>(command.key.data());
    columns.keysBytes = columns.keyBytesOfAll = static_cast<uint32_t>(command.key.size());
  }
  if ((traits & machine::trait::VALUED) != 0) {
    columns.values = reinterpret_cast<const uint8_t*>(command.value.data());
    columns.valuesBytes = columns.valueBytesOfAll = static_cast<uint32_t>(command.value.size());
  }
  return columns;
}

uint32_t bytesOf(const machine::OperationColumns& columns) {
  return machine::PREFIXES[columns.kindOfAll] + sizeof(wire::Operation) +
         wire::padded(columns.keyBytesOfAll + columns.valueBytesOfAll);
}

/** Bytes of the wide form that one fragment of so many bytes brings: always the same, so that they can be sent again.
 */
uint32_t fragmentBytes(uint32_t bytes) {
  constexpr uint32_t head = sizeof(wire::Operation) + sizeof(wire::Fragment);
  return std::min((bytes - head) & ~3u, uint32_t{UINT16_MAX} & ~3u);
}

}  // namespace

/** Sends what waits, in order, as far as there is room. What has to be answered here stops it. */
void Front::send(Client& client) {
  if (client.waiting.allSent() || !linked_) return;
  while (!client.waiting.allSent()) {
    Waiting& waiting = client.waiting.next();
    const Command& command = *waiting.command;
    if (isLocal(command)) return;
    if (isPlainRead(command) && !waiting.fetches) {
      // Nothing before it: it is answered from the store. A token is only won where nothing is under way.
      if (client.waiting.noneSent() || mayWin(client, command)) return;
    }
    if (asksFormerTime(command) && !client.waiting.nextIsFirst()) return;
    if (client.queued) return;
    if (!open_) return activate(client);
    if (client.session == nullptr && !borrow(client)) return;
    Session& session = *client.session;
    if (session.ended || session.unansweredWrites() + 1 >= settings_.sessionWindow) return;
    if (!sendOne(session, waiting)) {
      stalled_ = true;
      return activate(client);
    }
  }
}

bool Front::sendOne(Session& session, Waiting& waiting) {
  const Command& command = *waiting.command;
  const bool reads = isPlainRead(command) && !waiting.fetches;
  const Ordered ordered = reads ? readOf() : orderedOf(command, machine_.store().now());
  machine::OperationColumns columns = columnsOf(command, ordered);
  const uint32_t bytes = bytesOf(columns);
  waiting.reads = reads;
  // Sent again, it may have changed the time already.
  if (asksFormerTime(command) && !session.client->waiting.nextWasSent()) waiting.expiry = expiryOf(command);
  if (bytes > operationsMax() || columns.valueBytesOfAll > UINT16_MAX) return sendWide(session, waiting, columns);
  waiting.operations = 1;
  machine::Encoding encoding;
  if (!encode(session, columns, encoding)) return false;
  waiting.sent = 1;
  session.client->waiting.sentNext();
  return true;
}

/** A value that fits no datagram: fragments, each in a datagram of its own. */
bool Front::sendWide(Session& session, Waiting& waiting, machine::OperationColumns& columns) {
  const uint32_t each = fragmentBytes(operationsMax());
  const uint32_t all = sizeof(wire::Wide) + machine::PREFIXES[columns.kindOfAll] + columns.keyBytesOfAll +
                       columns.valueBytesOfAll;
  waiting.operations = (all + each - 1) / each;
  while (waiting.sent < waiting.operations) {
    // Whoever waits for room here would have to be told of it: the window is far larger than a value.
    if (!submit() || session.unansweredWrites() + 1 >= settings_.sessionWindow) return false;
    uint32_t done = waiting.sent * each;
    uint32_t total = 0;
    openRecord(session);
    machine::Encoding encoding;
    uint8_t* const out = settings_.slab + settings_.slotOffset + used_;
    const auto encoded = machine::encodeFragment(columns, 0, done, total, encoding, out, operationsMax());
    machine::require(encoded == machine::Encoded::ok && encoding.operations == 1 && total == all,
                     "front: a fragment fits an empty datagram");
    noteSent(session, encoding);
    ++waiting.sent;
  }
  session.client->waiting.sentNext();
  return true;
}

bool Front::encode(Session& session, const machine::OperationColumns& columns, machine::Encoding& encoding) {
  const uint32_t bytes = bytesOf(columns);
  if (!hasRoom(bytes) || operations_ == wire::DATAGRAM_OPERATIONS_MAX) {
    if (!submit()) return false;
  }
  openRecord(session);
  uint8_t* const out = settings_.slab + settings_.slotOffset + used_;
  const auto encoded = machine::encode(columns, 0, encoding, out, limit() - used_);
  machine::require(encoded == machine::Encoded::ok && encoding.operations == 1, "front: what has room is written");
  noteSent(session, encoding);
  return true;
}

void Front::openRecord(Session& session) {
  if (recordAt_ != 0 && record_.session == session.id && record_.count != UINT16_MAX) return;
  closeRecord();
  recordAt_ = used_;
  used_ += sizeof(wire::Record);
  record_ = {0, 0, wire::ORIGIN_CLIENT, 0, session.id, session.sequence, session.operation, 0,
             static_cast<uint32_t>(session.unansweredWrites())};
}

void Front::noteSent(Session& session, const machine::Encoding& encoding) {
  used_ += encoding.bytes;
  ++record_.count;
  record_.writes += encoding.writes;
  ++operations_;
  ++session.operation;
  session.sequence += encoding.writes;
  ++counts.ordered_commands;
}

void Front::closeRecord() {
  if (recordAt_ == 0) return;
  record_.bytes = used_ - recordAt_;
  wire::store(settings_.slab + settings_.slotOffset + recordAt_, record_);
  recordAt_ = 0;
}

/** Hands what was built to the machine; answers may come while it does. False: there is no room for now. */
bool Front::submit() {
  if (used_ == wire::BODY_OFFSET) return true;
  closeRecord();
  wire::Header header{};
  header.magic = wire::MAGIC;
  header.version = wire::VERSION;
  header.kind = wire::kind::REQUEST;
  header.length = used_ + wire::TAG_BYTES;
  wire::store(settings_.slab + settings_.slotOffset, header);
  const machine::Taken taken = machine_.request(settings_.slotOffset, settings_.link);
  machine::require(taken != machine::Taken::malformed, "front: what it sends is well formed");
  if (taken == machine::Taken::noRoom) {
    ++counts.stalls;
    return false;
  }
  ++counts.requests;
  used_ = wire::BODY_OFFSET;
  operations_ = 0;
  return true;
}

void Front::dismiss() {
  if (!linked_) return;
  machine_.linkClose(settings_.link);
  linked_ = false;
  used_ = wire::BODY_OFFSET;
  operations_ = 0;
  recordAt_ = 0;
  opening_.clear();
  errands_.clear();
  telling_.clear();
  sessions_.each([&](Session& session) {
    if (session.operation != session.expected) ++counts.sent_again;
    session.rewind();
    // Whatever it was, if it was not done, this does: it has the same number.
    if (session.errand == Errand::used) session.errand = Errand::touch;
    if (session.errand != Errand::none) errands_.push_back(&session);
    if (session.client != nullptr) session.client->waiting.rewind();
  });
}

}  // namespace front

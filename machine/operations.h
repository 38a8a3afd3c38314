/**
 * How operations lie in a record, and what makes them well formed. For datagrams of the network and
 * for the log.
 */
#pragma once

#include <array>
#include <bit>
#include <cstddef>

#include "machine/wire.h"

namespace machine {

/** What an operation of some kind has. A kind without KNOWN does not exist. */
namespace trait {
inline constexpr uint8_t KNOWN = 1, READ = 2, KEYED = 4, VALUED = 8, PREFIXED = 16;
inline constexpr uint8_t ORDERED = 32;  // no client sends it
inline constexpr uint8_t ITEM = 64;     // the prefix begins with wire::Item
inline constexpr uint8_t ROOM = 128;    // may bring something although it is not VALUED
}

/** Bytes between an operation's head and its key. */
inline constexpr std::array<uint8_t, 256> PREFIXES = [] {
  constexpr uint8_t item = sizeof(wire::Item), cas = item + sizeof(wire::ItemCas);
  std::array<uint8_t, 256> bytes{};
  bytes[wire::op::SET_IF] = bytes[wire::op::DELETE_IF] = sizeof(uint64_t);
  bytes[wire::op::FRAGMENT] = sizeof(wire::Fragment);
  bytes[wire::op::STORE] = item;
  bytes[wire::op::STORE_IF] = bytes[wire::op::FETCH] = bytes[wire::op::DROP] = cas;
  bytes[wire::op::ARITH] = cas + sizeof(wire::Delta);
  bytes[wire::op::FLUSH] = sizeof(wire::Flush);
  return bytes;
}();
inline constexpr uint32_t PREFIX_BYTES_MAX = PREFIXES[wire::op::ARITH];

inline constexpr std::array<uint8_t, 256> TRAITS = [] {
  using namespace trait;
  std::array<uint8_t, 256> traits{};
  traits[wire::op::SET] = KNOWN | KEYED | VALUED;
  traits[wire::op::CREATE] = KNOWN | KEYED | VALUED;
  traits[wire::op::SET_IF] = KNOWN | KEYED | VALUED | PREFIXED;
  traits[wire::op::DELETE] = KNOWN | KEYED;
  traits[wire::op::DELETE_IF] = KNOWN | KEYED | PREFIXED;
  traits[wire::op::SYNC] = KNOWN;
  traits[wire::op::OPEN] = KNOWN | KEYED;
  traits[wire::op::CLOSE] = KNOWN;
  traits[wire::op::FRAGMENT] = KNOWN | VALUED | PREFIXED;
  traits[wire::op::TOUCH] = KNOWN;
  traits[wire::op::REFUSED] = KNOWN | ORDERED;
  traits[wire::op::STORE] = KNOWN | KEYED | VALUED | PREFIXED | ITEM;
  traits[wire::op::STORE_IF] = KNOWN | KEYED | VALUED | PREFIXED | ITEM;
  traits[wire::op::FETCH] = KNOWN | KEYED | PREFIXED | ITEM | ROOM;
  traits[wire::op::ARITH] = KNOWN | KEYED | PREFIXED | ITEM | ROOM;
  traits[wire::op::DROP] = KNOWN | KEYED | PREFIXED | ITEM;
  traits[wire::op::FLUSH] = KNOWN | PREFIXED;
  traits[wire::op::USED] = KNOWN | VALUED;
  traits[wire::op::TICK] = KNOWN | ORDERED;
  traits[wire::op::GET] = KNOWN | KEYED | READ;
  traits[wire::op::GET_ITEM] = KNOWN | KEYED | READ;
  return traits;
}();

inline constexpr uint32_t NONCE_BYTES = 8;
inline constexpr uint32_t WIDE_BYTES_MAX =
    sizeof(wire::Wide) + PREFIX_BYTES_MAX + wire::KEY_BYTES_MAX + wire::VALUE_BYTES_MAX;

inline bool isRead(uint8_t kind) { return (kind & wire::op::READ_BIT) != 0; }

inline uint32_t keyOffset(uint8_t kind) {
  return sizeof(wire::Operation) + PREFIXES[kind];
}

/** What a full disk refuses: a write that brings something. */
inline bool needsRoom(uint8_t kind) {
  return (TRAITS[kind] & (trait::VALUED | trait::ROOM)) != 0;
}

/** Bytes of an operation in its record, padding included. */
inline uint32_t operationBytes(const wire::Operation& head) {
  return keyOffset(head.kind) + wire::padded(uint32_t{head.keyBytes} + head.valueBytes);
}

/** Whether an item operation asks for what there is. */
inline bool validItem(const uint8_t* prefix, uint8_t kind) {
  const auto options = wire::load<wire::Item>(prefix).options;
  if ((options & ~wire::option::ALL) != 0) return false;
  const uint32_t mode = options & wire::option::MODE_MASK;
  if (kind == wire::op::STORE) {
    return mode <= wire::option::PREPEND &&
           (options & (wire::option::IF_CAS | wire::option::NEW_CAS)) == 0;
  }
  if (kind == wire::op::STORE_IF) return mode <= wire::option::PREPEND;
  return mode <= (kind == wire::op::ARITH ? wire::option::DECREMENT : 0);
}

inline bool validPrefix(const uint8_t* at, const wire::Operation& head) {
  const uint8_t* const prefix = at + sizeof(wire::Operation);
  if ((TRAITS[head.kind] & trait::ITEM) != 0) return validItem(prefix, head.kind);
  if (head.kind == wire::op::FLUSH) return wire::load<wire::Flush>(prefix).reserved == 0;
  if (head.kind != wire::op::FRAGMENT) return wire::load<uint64_t>(prefix) <= wire::COUNTER_MAX;
  const auto fragment = wire::load<wire::Fragment>(prefix);
  return fragment.total <= WIDE_BYTES_MAX && fragment.offset < fragment.total &&
         head.valueBytes != 0 && head.valueBytes <= fragment.total - fragment.offset;
}

/** Whether an operation that starts at `at` is well formed and ends by `end`. */
inline bool validOperation(const uint8_t* at, const uint8_t* end, wire::Operation& head) {
  if (end - at < static_cast<ptrdiff_t>(sizeof(wire::Operation))) return false;
  head = wire::load<wire::Operation>(at);
  const uint8_t traits = TRAITS[head.kind];
  if (operationBytes(head) > static_cast<size_t>(end - at)) return false;
  if ((traits & trait::KEYED) != 0) {
    if (head.keyBytes - 1u >= wire::KEY_BYTES_MAX) return false;
  } else if (head.keyBytes != 0 || (traits & trait::KNOWN) == 0) {
    return false;
  }
  if ((traits & trait::VALUED) == 0 && head.valueBytes != 0) return false;
  if (head.kind == wire::op::USED && head.valueBytes % sizeof(uint64_t) != 0) return false;
  return (traits & trait::PREFIXED) == 0 || validPrefix(at, head);
}

/** Whether the head of such an operation says everything about its being well formed. */
inline bool isPlain(uint8_t kind) {
  return kind == wire::op::SET || kind == wire::op::GET || kind == wire::op::CREATE || kind == wire::op::DELETE;
}

/** A record where it lies. `at` is a multiple of four only, hence the copy of its header. */
struct RecordView {
  const uint8_t* at;
  wire::Record head;

  const uint8_t* operations() const { return at + sizeof(wire::Record); }
  const uint8_t* end() const { return at + head.bytes; }
};

/** Where a record came from decides what it must look like. */
enum class Form { request, ordered };

bool validRecordHead(const wire::Record& head, size_t room, Form form);

/** A record of session 0 holds one OPEN or TICK and nothing else, and only such a record does. */
bool validSessionless(const RecordView& record, Form form);

/**
 * Validates the operations of a record, calling visit(at, head) for each in order. False when
 * malformed. `record.head` is valid already.
 */
template <typename Visit>
inline bool walkOperations(const RecordView& record, Form form, Visit&& visit) {
  const uint8_t* at = record.operations();
  const uint8_t* const end = record.end();
  uint32_t writes = 0;
  wire::Operation head{};
  ptrdiff_t bytes = 0;
  for (uint32_t i = 0; i < record.head.count; ++i, at += bytes) {
    // Of operations with one head after another, the first stands for all when only the head decides.
    const bool repeats = isPlain(head.kind) && end - at >= bytes &&
                         wire::load<uint32_t>(at) == std::bit_cast<uint32_t>(head);
    if (!repeats) {
      if (!validOperation(at, end, head)) return false;
      if (form == Form::request && (TRAITS[head.kind] & trait::ORDERED) != 0) return false;
      const bool sessionless = head.kind == wire::op::OPEN || head.kind == wire::op::TICK;
      if (sessionless && record.head.session != 0) return false;
      bytes = operationBytes(head);
    }
    writes += !isRead(head.kind);
    visit(at, head);
  }
  if (at != end || writes != record.head.writes) return false;
  return record.head.session != 0 || validSessionless(record, form);
}

/** The records of a datagram: null when its length is impossible. */
struct Body {
  const uint8_t* at;
  uint32_t bytes;
};
Body bodyOf(const uint8_t* datagram, uint32_t datagramBytes);

/** Goes through the records of a body whose headers are valid; `failed` says that it met one that
 * is not. */
class RecordRange {
 public:
  RecordRange(const Body& body, Form form)
      : at_(body.at), end_(body.at + body.bytes), form_(form) {}

  bool next(RecordView& record) {
    if (at_ == end_ || failed_) return false;
    const auto room = static_cast<size_t>(end_ - at_);
    if (room < sizeof(wire::Record)) return fail();
    record = {at_, wire::load<wire::Record>(at_)};
    if (!validRecordHead(record.head, room, form_)) return fail();
    at_ = record.end();
    return true;
  }
  bool fail() {
    failed_ = true;
    return false;
  }
  bool failed() const { return failed_; }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
  Form form_;
  bool failed_ = false;
};

}  // namespace machine

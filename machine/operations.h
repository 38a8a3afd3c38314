/**
 * How operations lie in a record, and what makes them well formed. For datagrams of the network and
 * for the log.
 */
#pragma once

#include <array>
#include <cstddef>

#include "machine/wire.h"

namespace machine {

/** What an operation of some kind has. A kind without KNOWN does not exist. */
namespace trait {
inline constexpr uint8_t KNOWN = 1, READ = 2, KEYED = 4, VALUED = 8, PREFIXED = 16;
inline constexpr uint8_t ORDERED = 32;  // no client sends it
}

inline constexpr uint32_t PREFIX_BYTES = 8;  // a version, or a FRAGMENT
static_assert(sizeof(wire::Fragment) == PREFIX_BYTES);

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
  traits[wire::op::GET] = KNOWN | KEYED | READ;
  return traits;
}();

inline constexpr uint32_t NONCE_BYTES = 8;
inline constexpr uint32_t WIDE_BYTES_MAX =
    sizeof(wire::Wide) + wire::KEY_BYTES_MAX + wire::VALUE_BYTES_MAX;

inline bool isRead(uint8_t kind) { return (kind & wire::op::READ_BIT) != 0; }

inline uint32_t keyOffset(uint8_t kind) {
  return sizeof(wire::Operation) + ((TRAITS[kind] & trait::PREFIXED) != 0 ? PREFIX_BYTES : 0);
}

/** What a full disk refuses: a write that brings something. */
inline bool needsRoom(uint8_t kind) { return (TRAITS[kind] & trait::VALUED) != 0; }

/** Bytes of an operation in its record, padding included. */
inline uint32_t operationBytes(const wire::Operation& head) {
  return keyOffset(head.kind) + wire::padded(uint32_t{head.keyBytes} + head.valueBytes);
}

inline bool validPrefix(const uint8_t* at, const wire::Operation& head) {
  if (head.kind != wire::op::FRAGMENT) {
    return wire::load<uint64_t>(at + sizeof(wire::Operation)) <= wire::COUNTER_MAX;
  }
  const auto fragment = wire::load<wire::Fragment>(at + sizeof(wire::Operation));
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
  return (traits & trait::PREFIXED) == 0 || validPrefix(at, head);
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

/** A record of session 0 holds one OPEN and nothing else, and only such a record holds one. */
bool validOpen(const RecordView& record, Form form);

/**
 * Validates the operations of a record, calling visit(at, head) for each in order. False when
 * malformed. `record.head` is valid already.
 */
template <typename Visit>
inline bool walkOperations(const RecordView& record, Form form, Visit&& visit) {
  const uint8_t* at = record.operations();
  const uint8_t* const end = record.end();
  uint32_t writes = 0;
  for (uint32_t i = 0; i < record.head.count; ++i) {
    wire::Operation head;
    if (!validOperation(at, end, head)) return false;
    if (form == Form::request && (TRAITS[head.kind] & trait::ORDERED) != 0) return false;
    if (head.kind == wire::op::OPEN && record.head.session != 0) return false;
    writes += !isRead(head.kind);
    visit(at, head);
    at += operationBytes(head);
  }
  if (at != end || writes != record.head.writes) return false;
  return record.head.session != 0 || validOpen(record, form);
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

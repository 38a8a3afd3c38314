#include "machine/operations.h"

namespace machine {

bool validRecordHead(const wire::Record& head, size_t room, Form form) {
  if (head.bytes < sizeof(wire::Record) + sizeof(wire::Operation)) return false;
  if (head.bytes > room || head.bytes % 4 != 0) return false;
  if (head.count == 0 || head.count > wire::DATAGRAM_OPERATIONS_MAX) return false;
  if (head.flags != 0 || head.writes > head.count) return false;
  if ((head.origin == wire::ORIGIN_CLIENT) != (form == Form::request)) return false;
  if (form == Form::ordered && head.writes != head.count) return false;
  if (head.session == 0) return true;
  if (head.session > wire::COUNTER_MAX || head.sequence == 0) return false;
  if (head.sequence > wire::COUNTER_MAX - head.writes) return false;
  if (head.operation > wire::COUNTER_MAX - head.count) return false;
  return head.unanswered < head.sequence;
}

bool validSessionless(const RecordView& record, Form form) {
  const auto head = wire::load<wire::Operation>(record.operations());
  if (head.kind == wire::op::TICK) return record.head.count == 1 && form == Form::ordered;
  if (record.head.count != 1 || head.kind != wire::op::OPEN || head.keyBytes != NONCE_BYTES)
    return false;
  if (form == Form::ordered) return true;
  return wire::load<uint64_t>(record.operations() + sizeof(wire::Operation)) ==
         record.head.operation;
}

Body bodyOf(const uint8_t* datagram, uint32_t datagramBytes) {
  const auto header = wire::load<wire::Header>(datagram);
  if (header.length < wire::OVERHEAD_BYTES || header.length > datagramBytes ||
      header.length % 4 != 0) {
    return {nullptr, 0};
  }
  return {datagram + wire::BODY_OFFSET, header.length - wire::OVERHEAD_BYTES};
}

}  // namespace machine

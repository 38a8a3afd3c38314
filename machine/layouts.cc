#include "machine/layouts.h"

#include <cstddef>
#include <utility>

#include "machine/wire.h"

#define FIELD(type, field) {#field, offsetof(wire::type, field), sizeof(wire::type::field)}
#define CONSTANT(space, name) {#space "." #name, wire::SPACE_##space::name}

namespace wire {
namespace SPACE_KIND = kind;
namespace SPACE_OP = op;
namespace SPACE_STATUS = status;
namespace SPACE_RESULT_TAG = tag;
}  // namespace wire

namespace machine {

namespace {

/** What starts a datagram. */
std::vector<StructLayout> datagramLayouts() {
  return {
      {"HEADER",
       sizeof(wire::Header),
       {
           FIELD(Header, magic),
           FIELD(Header, version),
           FIELD(Header, kind),
           FIELD(Header, checksum),
           FIELD(Header, cluster),
           FIELD(Header, length),
           FIELD(Header, sender),
           FIELD(Header, flags),
           FIELD(Header, incarnation),
           FIELD(Header, epoch),
           FIELD(Header, count),
           FIELD(Header, counter),
           FIELD(Header, committed),
       }},
      {"PROPOSE",
       sizeof(wire::Propose),
       {
           FIELD(Propose, time),
           FIELD(Propose, previous),
           FIELD(Propose, epoch),
       }},
      {"EPOCHS",
       sizeof(wire::Epochs),
       {
           FIELD(Epochs, accepted),
           FIELD(Epochs, current),
           FIELD(Epochs, last),
           FIELD(Epochs, mode),
           FIELD(Epochs, receiver),
           FIELD(Epochs, join),
       }},
      {"LINK",
       sizeof(wire::Link),
       {
           FIELD(Link, link),
           FIELD(Link, credits),
           FIELD(Link, sackLow),
           FIELD(Link, sackHigh),
       }},
  };
}

/** What lies in a body. */
std::vector<StructLayout> bodyLayouts() {
  return {
      {"RECORD",
       sizeof(wire::Record),
       {
           FIELD(Record, bytes),
           FIELD(Record, count),
           FIELD(Record, origin),
           FIELD(Record, flags),
           FIELD(Record, session),
           FIELD(Record, sequence),
           FIELD(Record, operation),
           FIELD(Record, writes),
           FIELD(Record, unanswered),
       }},
      {"OPERATION",
       sizeof(wire::Operation),
       {
           FIELD(Operation, kind),
           FIELD(Operation, keyBytes),
           FIELD(Operation, valueBytes),
       }},
      {"FRAGMENT",
       sizeof(wire::Fragment),
       {
           FIELD(Fragment, total),
           FIELD(Fragment, offset),
       }},
      {"WIDE",
       sizeof(wire::Wide),
       {
           FIELD(Wide, kind),
           FIELD(Wide, keyBytes),
           FIELD(Wide, reserved),
           FIELD(Wide, valueBytes),
           FIELD(Wide, version),
       }},
      {"REPLY_RECORD",
       sizeof(wire::ReplyRecord),
       {
           FIELD(ReplyRecord, bytes),
           FIELD(ReplyRecord, count),
           FIELD(ReplyRecord, flags),
           FIELD(ReplyRecord, session),
           FIELD(ReplyRecord, operation),
       }},
      {"RESULT",
       sizeof(wire::Result),
       {
           FIELD(Result, tag),
           FIELD(Result, status),
           FIELD(Result, flags),
           FIELD(Result, bytes),
           FIELD(Result, version),
       }},
      {"PART",
       sizeof(wire::Part),
       {
           FIELD(Part, offset),
           FIELD(Part, bytes),
       }},
  };
}

}  // namespace

std::vector<StructLayout> wireLayouts() {
  std::vector<StructLayout> layouts = datagramLayouts();
  std::vector<StructLayout> body = bodyLayouts();
  for (StructLayout& each : body) layouts.push_back(std::move(each));
  return layouts;
}

std::vector<Constant> wireConstants() {
  return {
      {"MAGIC", wire::MAGIC},
      {"WIRE_VERSION", wire::VERSION},
      {"SENDER_CLIENT", wire::SENDER_CLIENT},
      {"ORIGIN_CLIENT", wire::ORIGIN_CLIENT},
      {"TAG_BYTES", wire::TAG_BYTES},
      {"BODY_OFFSET", wire::BODY_OFFSET},
      {"OVERHEAD_BYTES", wire::OVERHEAD_BYTES},
      {"OP_READ_BIT", wire::op::READ_BIT},
      CONSTANT(KIND, PROPOSE),
      CONSTANT(KIND, ACK),
      CONSTANT(KIND, COMMIT),
      CONSTANT(KIND, NACK),
      CONSTANT(KIND, HEARTBEAT),
      CONSTANT(KIND, HELLO),
      CONSTANT(KIND, WELCOME),
      CONSTANT(KIND, REFUSED),
      CONSTANT(KIND, REQUEST),
      CONSTANT(KIND, REPLY),
      CONSTANT(KIND, FORWARD),
      CONSTANT(KIND, LINK_ACK),
      CONSTANT(KIND, BYE),
      CONSTANT(OP, SET),
      CONSTANT(OP, CREATE),
      CONSTANT(OP, SET_IF),
      CONSTANT(OP, DELETE),
      CONSTANT(OP, DELETE_IF),
      CONSTANT(OP, SYNC),
      CONSTANT(OP, OPEN),
      CONSTANT(OP, CLOSE),
      CONSTANT(OP, FRAGMENT),
      CONSTANT(OP, TOUCH),
      CONSTANT(OP, REFUSED),
      CONSTANT(OP, GET),
      CONSTANT(STATUS, OK),
      CONSTANT(STATUS, NOT_FOUND),
      CONSTANT(STATUS, EXISTS),
      CONSTANT(STATUS, VERSION_MISMATCH),
      CONSTANT(STATUS, FULL),
      CONSTANT(STATUS, SESSION_EXPIRED),
      CONSTANT(STATUS, SESSIONS_FULL),
      CONSTANT(STATUS, OVERTAKEN),
      CONSTANT(STATUS, BAD_REQUEST),
      CONSTANT(STATUS, NO_SPACE),
      CONSTANT(RESULT_TAG, RUN),
      CONSTANT(RESULT_TAG, VALUE),
      CONSTANT(RESULT_TAG, STATUS),
      CONSTANT(RESULT_TAG, PART),
  };
}

}  // namespace machine

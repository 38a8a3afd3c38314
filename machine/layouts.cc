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
namespace SPACE_ITEM_OPTION = option;
namespace SPACE_ITEM_STATE = state;
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

/** What items bring and answer. */
std::vector<StructLayout> itemLayouts() {
  return {
      {"ITEM",
       sizeof(wire::Item),
       {
           FIELD(Item, flags),
           FIELD(Item, exptime),
           FIELD(Item, options),
           FIELD(Item, vivify),
       }},
      {"ITEM_CAS",
       sizeof(wire::ItemCas),
       {
           FIELD(ItemCas, ifCas),
           FIELD(ItemCas, newCas),
       }},
      {"DELTA",
       sizeof(wire::Delta),
       {
           FIELD(Delta, delta),
           FIELD(Delta, initial),
       }},
      {"FLUSH",
       sizeof(wire::Flush),
       {
           FIELD(Flush, exptime),
           FIELD(Flush, reserved),
       }},
      {"ITEM_HEAD",
       sizeof(wire::ItemHead),
       {
           FIELD(ItemHead, cas),
           FIELD(ItemHead, flags),
           FIELD(ItemHead, expiry),
           FIELD(ItemHead, state),
           FIELD(ItemHead, now),
       }},
  };
}

std::vector<Constant> itemConstants() {
  return {
      CONSTANT(OP, STORE),
      CONSTANT(OP, STORE_IF),
      CONSTANT(OP, FETCH),
      CONSTANT(OP, ARITH),
      CONSTANT(OP, DROP),
      CONSTANT(OP, FLUSH),
      CONSTANT(OP, USED),
      CONSTANT(OP, TICK),
      CONSTANT(OP, GET_ITEM),
      CONSTANT(STATUS, NOT_NUMBER),
      CONSTANT(STATUS, TOO_LARGE),
      CONSTANT(ITEM_OPTION, SET),
      CONSTANT(ITEM_OPTION, ADD),
      CONSTANT(ITEM_OPTION, REPLACE),
      CONSTANT(ITEM_OPTION, APPEND),
      CONSTANT(ITEM_OPTION, PREPEND),
      CONSTANT(ITEM_OPTION, INCREMENT),
      CONSTANT(ITEM_OPTION, DECREMENT),
      CONSTANT(ITEM_OPTION, IF_CAS),
      CONSTANT(ITEM_OPTION, NEW_CAS),
      CONSTANT(ITEM_OPTION, TTL),
      CONSTANT(ITEM_OPTION, VIVIFY),
      CONSTANT(ITEM_OPTION, RECACHE),
      CONSTANT(ITEM_OPTION, STALE),
      CONSTANT(ITEM_OPTION, VALUE),
      CONSTANT(ITEM_OPTION, META),
      CONSTANT(ITEM_STATE, STALE),
      CONSTANT(ITEM_STATE, SENT),
      CONSTANT(ITEM_STATE, FETCHED),
      CONSTANT(ITEM_STATE, CAS),
      CONSTANT(ITEM_STATE, WON),
      CONSTANT(ITEM_STATE, CREATED),
  };
}

}  // namespace

std::vector<StructLayout> wireLayouts() {
  std::vector<StructLayout> layouts = datagramLayouts();
  for (const auto& more : {bodyLayouts(), itemLayouts()}) {
    layouts.insert(layouts.end(), more.begin(), more.end());
  }
  return layouts;
}

std::vector<Constant> wireConstants() {
  std::vector<Constant> constants = {
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
  const std::vector<Constant> items = itemConstants();
  constants.insert(constants.end(), items.begin(), items.end());
  return constants;
}

}  // namespace machine

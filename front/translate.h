/**
 * memcached's commands as operations of the order, by the table in machine/items.h; and what came of an operation as
 * an outcome.
 */
#pragma once

#include "machine/operations.h"
#include "machine/wire.h"
#include "memcached/command.h"
#include "mica/store.h"

namespace front {

/** What one command is in the order; its key and value stay where the command has them. */
struct Ordered {
  uint8_t kind;
  uint8_t prefix[machine::PREFIX_BYTES_MAX];
};

/** A read that changes nothing unless it finds a stale item: whether it is answered from the store. */
bool isPlainRead(const memcached::Command& command);
/** Whether it is answered here, never by the order. */
bool isLocal(const memcached::Command& command);

/** Whether the reply tells of the time that the command replaces: the order does not. */
bool asksFormerTime(const memcached::Command& command);

Ordered orderedOf(const memcached::Command& command, uint32_t now);
/** A GET_ITEM at its place in the session's order. */
Ordered readOf();

/** Of an item that is there. `value` is shown as it lies. */
memcached::Outcome outcomeOf(const memcached::Command& command, const wire::ItemHead& head, std::string_view value);
/** Of an operation that is answered by a status alone. */
memcached::Outcome outcomeOf(const memcached::Command& command, uint32_t status, uint64_t version);
/** Seconds left, as an outcome has them. */
int64_t ttlOf(uint32_t expiry, uint32_t now);
/** SERVER_ERROR with a sentence, which outlives the answer. */
memcached::Outcome failureOf(std::string_view sentence);

}  // namespace front

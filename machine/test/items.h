/**
 * One session that does item operations, one at a time, at a log's time of its own.
 */
#pragma once

#include <cstring>

#include "machine/test/one.h"

namespace rig {

struct ItemCall {
  uint8_t kind;
  Prefix prefix;
  std::string key;
  std::string value;
};

/** An answer, its head taken off. */
struct Seen {
  uint32_t status;
  uint64_t version;
  wire::ItemHead head{};
  std::string value;

  uint64_t number() const {
    uint64_t number = 0;
    CHECK(value.size() == sizeof number);
    std::memcpy(&number, value.data(), std::min(value.size(), sizeof number));
    return number;
  }
};

inline Seen seenOf(const Answer& answer, bool headed) {
  Seen seen{answer.status, answer.version, {}, answer.value};
  if (!headed || answer.value.size() < sizeof seen.head) return seen;
  std::memcpy(&seen.head, answer.value.data(), sizeof seen.head);
  seen.value = answer.value.substr(sizeof seen.head);
  return seen;
}

class Items {
 public:
  explicit Items(uint64_t seconds, const Options& options = {}) : one_(options) {
    one_.log.time = seconds * 1'000'000;
    run(record().plain(wire::op::SYNC));
  }

  machine::Machine& machine() { return one_.rig.machine(); }
  Rig& rig() { return one_.rig; }
  Log& log() { return one_.log; }

  /** The next entry is so many seconds later. Reads see it when an entry has come. */
  void later(uint64_t seconds) {
    one_.log.time += seconds * 1'000'000;
    run(record().plain(wire::op::SYNC));
  }
  Request record() {
    return Request().record(one_.session, sequence_, operation_ += 1000);
  }
  machine::Taken taken(const Request& request) { return one_.rig.request(request, 0); }

  /** A request of one operation. */
  Seen run(const Request& request, bool headed = false) {
    const auto head = wire::load<wire::Record>(request.datagram().data() + wire::BODY_OFFSET);
    const std::vector<Answer> answers = one_.run(request);
    EQUAL(answers.size(), 1u);
    sequence_ += head.writes;
    return answers.empty() ? Seen{255, 0, {}, ""} : seenOf(answers[0], headed);
  }
  Seen one(const ItemCall& call) {
    const bool headed = call.kind == wire::op::FETCH || call.kind == wire::op::ARITH;
    return run(record().item(call.kind, call.prefix, call.key, call.value), headed);
  }
  Seen get(const std::string& key) { return run(record().getItem(key), true); }
  Seen store(const std::string& key, const std::string& value, int32_t exptime = 0,
             uint32_t flags = 0) {
    return one({wire::op::STORE, {{flags, exptime, 0, 0}, {}, {}}, key, value});
  }
  Seen fetch(const std::string& key, uint32_t options, int32_t exptime = 0) {
    return one({wire::op::FETCH, {{0, exptime, options, 0}, {}, {}}, key, ""});
  }
  Seen arith(const std::string& key, uint64_t delta, uint32_t options = 0) {
    return one({wire::op::ARITH, {{0, 0, options, 0}, {}, {delta, 0}}, key, ""});
  }

 private:
  One one_;
  uint64_t sequence_ = 1;
  uint64_t operation_ = 0;
};

}  // namespace rig

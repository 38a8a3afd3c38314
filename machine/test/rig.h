/**
 * A machine in its own slab, with the parts that TypeScript plays: links, the log, the sealing of
 * entries.
 */
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "machine/codec.h"
#include "machine/machine.h"

namespace rig {

using Bytes = std::vector<uint8_t>;

/** What stands before the key of an item operation; as much of it as the kind has. */
struct Prefix {
  wire::Item item{};
  wire::ItemCas cas{};
  wire::Delta delta{};
};

/** Builds the body of a REQUEST. */
class Request {
 public:
  Request& record(uint64_t session, uint64_t sequence, uint64_t operation, uint32_t unanswered = 0);
  Request& open(uint64_t nonce);
  Request& set(const std::string& key, const std::string& value);
  Request& create(const std::string& key, const std::string& value);
  Request& setIf(const std::string& key, uint64_t version, const std::string& value);
  Request& remove(const std::string& key);
  Request& removeIf(const std::string& key, uint64_t version);
  Request& get(const std::string& key);
  Request& plain(uint8_t kind);
  Request& item(uint8_t kind, const Prefix& prefix, const std::string& key,
                const std::string& value = "");
  Request& getItem(const std::string& key);
  Request& flush(int32_t exptime);
  /** These keys were read. */
  Request& used(const std::vector<std::string>& keys);
  Request& fragment(uint32_t total, uint32_t offset, const std::string& chunk);

  /** The datagram, with HEADER and tag. */
  Bytes datagram() const;
  uint32_t bodyBytes() const { return static_cast<uint32_t>(body_.size()); }

 private:
  void operation(uint8_t kind, const std::string& prefix, const std::string& key,
                 const std::string& value);

  Bytes body_;
  size_t record_ = 0;
};

/** The same seed gives the same numbers. */
struct Random {
  uint64_t state;
  uint64_t below(uint64_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
  }
};

/** "k7" for 7. */
std::string keyOf(uint64_t number);

/** The wide form of an operation, to be sent in fragments. */
std::string wideOf(uint8_t kind, const std::string& key, const std::string& value,
                   uint64_t version = 0);
std::string wideItemOf(uint8_t kind, const Prefix& prefix, const std::string& key,
                       const std::string& value);

struct Answer {
  uint32_t link;
  uint64_t session;
  uint64_t operation;
  uint32_t status;
  uint64_t version;
  std::string value;
};

struct Entry {
  Bytes datagram;
  uint32_t operations;
  uint32_t wireBytes;
};

/** Gives entries their places in the order. */
struct Log {
  uint64_t counter = 0;
  uint64_t time = 1000;
  uint32_t epoch = 1;
  void seal(Entry& entry);
};

struct Options {
  uint32_t replica = 1;
  uint32_t datagramBytes = 1472 / 64 * 64;
  uint32_t replySlots = 32;
  uint32_t linksMax = 8;
  uint32_t sessionsMax = 64;
  uint32_t sessionWindow = 64;
  uint64_t sessionMicros = 0;
  uint64_t storeBytes = 64u << 20;
  bool evict = false;
  uint32_t spanDatagrams = 64;
  uint32_t rows = 128;
};

class Rig {
 public:
  explicit Rig(const Options& options = {});
  ~Rig();

  machine::Machine& machine() { return *machine_; }
  void linkOpen(uint32_t link) { machine_->linkOpen(link); }
  machine::Taken request(const Request& request, uint32_t link) {
    return request_(request.datagram(), link);
  }
  machine::Taken requestBytes(const Bytes& datagram, uint32_t link) {
    return request_(datagram, link);
  }
  machine::Taken forwarded(const Entry& entry);

  void packBegin(uint64_t forwardSequence = 0, bool refusing = false);
  /** What was packed since packBegin. */
  std::vector<Entry> packEnd();
  void apply(const std::vector<Entry>& entries);

  /** Packs, orders and applies what was requested since the last time. */
  std::vector<Entry> turn(Log& log);

  /** Everything answered since the last time, in order; slots are freed. */
  std::vector<Answer> answers();
  /** Rows only: slots stay lent. */
  uint32_t repliesClose() { return machine_->repliesClose(); }
  const uint32_t* replyRow(uint32_t i) const { return replyRows_.data() + i * machine::ROW_WORDS; }
  const uint8_t* slab() const { return slab_.get(); }
  double counter(uint32_t index) const { return counters_[index]; }
  void decodeReply(uint32_t link, uint32_t offset, uint32_t length, std::vector<Answer>& answers);

  /** The next part of the snapshot in progress. */
  Bytes snapshotNext(uint32_t bytes);
  bool restorePart(const uint8_t* at, uint32_t bytes);

  /** Opens a session over the link, and orders the OPEN. */
  uint64_t session(Log& log, uint32_t link);

 private:
  /** Where entries to apply lie, and parts of snapshots. */
  uint32_t ring() const { return options_.datagramBytes * (1 + options_.spanDatagrams); }
  machine::Taken request_(const Bytes& datagram, uint32_t link);

  Options options_;
  uint64_t slabBytes_;
  std::unique_ptr<uint8_t[]> slab_;
  std::vector<uint32_t> packRows_, replyRows_, applyRows_;
  std::vector<double> counters_;
  std::unique_ptr<machine::Machine> machine_;
  std::vector<machine::Decoder> decoders_;
  Bytes values_;
  uint32_t valueEnd_ = 0;
  uint64_t nonce_ = 1u << 20;
};

}  // namespace rig

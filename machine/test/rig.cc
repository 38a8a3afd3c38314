#include "machine/test/rig.h"

#include <cstring>

#include "test/native/check.h"

namespace rig {

using machine::Taken;

Request& Request::record(uint64_t session, uint64_t sequence, uint64_t operation,
                         uint32_t unanswered) {
  record_ = body_.size();
  body_.resize(body_.size() + sizeof(wire::Record));
  wire::store(body_.data() + record_, wire::Record{sizeof(wire::Record), 0, wire::ORIGIN_CLIENT, 0,
                                                   session, sequence, operation, 0, unanswered});
  return *this;
}

Request& Request::open(uint64_t nonce) {
  record(0, 0, nonce);
  operation(wire::op::OPEN, "", std::string(reinterpret_cast<const char*>(&nonce), 8), "");
  return *this;
}

void Request::operation(uint8_t kind, const std::string& prefix, const std::string& key,
                        const std::string& value) {
  const wire::Operation head{kind, static_cast<uint8_t>(key.size()),
                             static_cast<uint16_t>(value.size())};
  const auto* at = reinterpret_cast<const uint8_t*>(&head);
  body_.insert(body_.end(), at, at + sizeof head);
  for (const std::string& part : {prefix, key, value})
    body_.insert(body_.end(), part.begin(), part.end());
  body_.resize((body_.size() + 3) & ~size_t{3});
  auto record = wire::load<wire::Record>(body_.data() + record_);
  record.bytes = static_cast<uint32_t>(body_.size() - record_);
  record.count += 1;
  record.writes += (kind & wire::op::READ_BIT) == 0;
  wire::store(body_.data() + record_, record);
}

namespace {

template <typename T>
std::string bytesOf(const T& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

Request& Request::set(const std::string& key, const std::string& value) {
  operation(wire::op::SET, "", key, value);
  return *this;
}
Request& Request::create(const std::string& key, const std::string& value) {
  operation(wire::op::CREATE, "", key, value);
  return *this;
}
Request& Request::setIf(const std::string& key, uint64_t version, const std::string& value) {
  operation(wire::op::SET_IF, bytesOf(version), key, value);
  return *this;
}
Request& Request::remove(const std::string& key) {
  operation(wire::op::DELETE, "", key, "");
  return *this;
}
Request& Request::removeIf(const std::string& key, uint64_t version) {
  operation(wire::op::DELETE_IF, bytesOf(version), key, "");
  return *this;
}
Request& Request::get(const std::string& key) {
  operation(wire::op::GET, "", key, "");
  return *this;
}
Request& Request::plain(uint8_t kind) {
  operation(kind, "", "", "");
  return *this;
}
namespace {

std::string prefixOf(uint8_t kind, const Prefix& prefix) {
  static_assert(sizeof(Prefix) == machine::PREFIX_BYTES_MAX);
  return bytesOf(prefix).substr(0, machine::PREFIXES[kind]);
}

}  // namespace

Request& Request::item(uint8_t kind, const Prefix& prefix, const std::string& key,
                       const std::string& value) {
  operation(kind, prefixOf(kind, prefix), key, value);
  return *this;
}
Request& Request::getItem(const std::string& key) {
  operation(wire::op::GET_ITEM, "", key, "");
  return *this;
}
Request& Request::flush(int32_t exptime) {
  operation(wire::op::FLUSH, bytesOf(wire::Flush{exptime, 0}), "", "");
  return *this;
}
Request& Request::used(const std::vector<std::string>& keys) {
  std::string hashes;
  for (const std::string& key : keys) {
    hashes += bytesOf(mica::hashKey(reinterpret_cast<const uint8_t*>(key.data()),
                                    static_cast<uint32_t>(key.size())));
  }
  operation(wire::op::USED, "", "", hashes);
  return *this;
}
Request& Request::fragment(uint32_t total, uint32_t offset, const std::string& chunk) {
  operation(wire::op::FRAGMENT, bytesOf(wire::Fragment{total, offset}), "", chunk);
  return *this;
}

Bytes Request::datagram() const {
  Bytes bytes(wire::OVERHEAD_BYTES + body_.size());
  if (!body_.empty()) std::memcpy(bytes.data() + wire::BODY_OFFSET, body_.data(), body_.size());
  wire::Header header{};
  header.length = static_cast<uint32_t>(bytes.size());
  wire::store(bytes.data(), header);
  return bytes;
}

std::string keyOf(uint64_t number) {
  std::string key = std::to_string(number);
  key.insert(key.begin(), 'k');
  return key;
}

std::string wideOf(uint8_t kind, const std::string& key, const std::string& value,
                   uint64_t version) {
  const wire::Wide wide{kind, static_cast<uint8_t>(key.size()), 0,
                        static_cast<uint32_t>(value.size()), version};
  return bytesOf(wide) + key + value;
}

std::string wideItemOf(uint8_t kind, const Prefix& prefix, const std::string& key,
                       const std::string& value) {
  const std::string wide = wideOf(kind, key, value);
  return wide.substr(0, sizeof(wire::Wide)) + prefixOf(kind, prefix) + key + value;
}

void Log::seal(Entry& entry) {
  auto header = wire::load<wire::Header>(entry.datagram.data());
  header.counter = counter + 1;
  header.count = entry.operations;
  wire::store(entry.datagram.data(), header);
  wire::store(entry.datagram.data() + sizeof(wire::Header), wire::Propose{time++, 0, epoch});
  counter += entry.operations;
}

namespace {

constexpr uint32_t LINKS_MAX = 8;
constexpr uint32_t VALUES_BYTES = 4u << 20;
constexpr uint32_t RESULT_ROWS = 1u << 16;

}  // namespace

// The slab: a REQUEST, the pack span, a ring for entries to apply, the reply slots.
Rig::Rig(const Options& options)
    : options_(options),
      packRows_(options.rows * 4),
      replyRows_(options.rows * 4),
      applyRows_(options.rows),
      counters_(machine::COUNTERS),
      decoders_(LINKS_MAX),
      values_(VALUES_BYTES) {
  const uint32_t datagram = options.datagramBytes;
  slabBytes_ = uint64_t{datagram} * (1 + options.spanDatagrams + options.rows + options.replySlots);
  slab_ = std::make_unique<uint8_t[]>(slabBytes_);
  std::memset(slab_.get(), 0xa5, slabBytes_);
  machine::Settings settings{};
  settings.slab = slab_.get();
  settings.slabBytes = slabBytes_;
  settings.datagramBytes = datagram;
  settings.replica = options.replica;
  settings.replyOffset = datagram * (1 + options.spanDatagrams + options.rows);
  settings.replySlots = options.replySlots;
  settings.linksMax = options.linksMax;
  settings.sessionsMax = options.sessionsMax;
  settings.sessionWindow = options.sessionWindow;
  settings.sessionMicros = options.sessionMicros;
  settings.storeBytes = options.storeBytes;
  settings.evict = options.evict;
  settings.rows = options.rows;
  settings.packRows = packRows_.data();
  settings.replyRows = replyRows_.data();
  settings.applyRows = applyRows_.data();
  settings.counters = counters_.data();
  std::string error;
  machine_ = machine::Machine::create(settings, error);
  machine::require(machine_ != nullptr, "rig: the settings are possible");
  packBegin();
}

Rig::~Rig() = default;

Taken Rig::request_(const Bytes& datagram, uint32_t link) {
  machine::require(datagram.size() <= options_.datagramBytes, "rig: a request fits a datagram");
  std::memcpy(slab_.get(), datagram.data(), datagram.size());
  return machine_->request(0, link);
}

Taken Rig::forwarded(const Entry& entry) {
  std::memcpy(slab_.get(), entry.datagram.data(), entry.datagram.size());
  return machine_->forwarded(0);
}

void Rig::packBegin(uint64_t forwardSequence, bool refusing) {
  machine_->packBegin(options_.datagramBytes, options_.spanDatagrams * options_.datagramBytes,
                      forwardSequence, refusing);
}

std::vector<Entry> Rig::packEnd() {
  const uint32_t count = machine_->packEnd();
  std::vector<Entry> entries;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t* const row = packRows_.data() + i * 4;
    Entry entry;
    entry.datagram.assign(slab_.get() + row[0], slab_.get() + row[0] + row[2]);
    entry.operations = row[3];
    entry.wireBytes = row[1];
    std::memset(entry.datagram.data(), 0, wire::BODY_OFFSET);
    wire::Header header{};
    header.length = row[2];
    wire::store(entry.datagram.data(), header);
    entries.push_back(std::move(entry));
  }
  return entries;
}

void Rig::apply(const std::vector<Entry>& entries) {
  uint32_t count = 0;
  const uint32_t base = ring();
  for (const Entry& entry : entries) {
    const uint32_t offset = base + count * options_.datagramBytes;
    std::memcpy(slab_.get() + offset, entry.datagram.data(), entry.datagram.size());
    applyRows_[count++] = offset;
    if (count < options_.rows) continue;
    machine_->apply(count);
    count = 0;
  }
  machine_->apply(count);
}

std::vector<Entry> Rig::turn(Log& log) {
  std::vector<Entry> entries = packEnd();
  for (Entry& entry : entries) log.seal(entry);
  apply(entries);
  packBegin();
  return entries;
}

void Rig::decodeReply(uint32_t link, uint32_t offset, uint32_t length,
                      std::vector<Answer>& answers) {
  static std::vector<uint8_t> statuses(RESULT_ROWS);
  static std::vector<double> versions(RESULT_ROWS);
  static std::vector<uint32_t> offsets(RESULT_ROWS), bytes(RESULT_ROWS), rows(RESULT_ROWS);
  const uint32_t body = offset + wire::BODY_OFFSET;
  const uint8_t* const slab = slab_.get();
  const int32_t records =
      machine::listRecords(slab, body, length - wire::OVERHEAD_BYTES, rows.data(), RESULT_ROWS / 6);
  CHECK(records >= 0);
  for (uint32_t i = length - wire::TAG_BYTES; i < length; ++i) EQUAL(slab[offset + i], 0);
  for (int32_t i = 0; i < records; ++i) {
    const uint32_t at = rows[static_cast<size_t>(i) * 6];
    const machine::ResultColumns columns{RESULT_ROWS,    statuses.data(), versions.data(),
                                         offsets.data(), bytes.data(),    values_.data(),
                                         VALUES_BYTES,   &valueEnd_};
    const int32_t count = decoders_[link].decode(slab + at, slabBytes_ - at, columns, 0);
    CHECK(count >= 0);
    const auto head = wire::load<wire::ReplyRecord>(slab + at);
    for (int32_t k = 0; k < count; ++k) {
      const auto* const value = reinterpret_cast<const char*>(values_.data()) + offsets[k];
      answers.push_back({link, head.session, head.operation + k, statuses[k],
                         static_cast<uint64_t>(versions[k]), std::string(value, bytes[k])});
    }
  }
}

std::vector<Answer> Rig::answers() {
  std::vector<Answer> answers;
  for (uint32_t count = options_.rows; count != 0;) {
    count = machine_->repliesClose();
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t* const row = replyRow(i);
      decodeReply(row[0], row[1], row[2], answers);
    }
    for (uint32_t i = 0; i < count; ++i) machine_->replyFree(replyRow(i)[1]);
  }
  valueEnd_ = 0;
  return answers;
}

Bytes Rig::snapshotNext(uint32_t bytes) {
  machine::require(bytes <= options_.rows * options_.datagramBytes, "rig: a part fits the ring");
  const uint32_t written = machine_->snapshotNext(ring(), bytes);
  CHECK(written <= bytes);
  return Bytes(slab_.get() + ring(), slab_.get() + ring() + written);
}

bool Rig::restorePart(const uint8_t* at, uint32_t bytes) {
  machine::require(bytes <= options_.rows * options_.datagramBytes, "rig: a part fits the ring");
  if (bytes != 0) std::memcpy(slab_.get() + ring(), at, bytes);
  return machine_->restorePart(ring(), bytes);
}

uint64_t Rig::session(Log& log, uint32_t link) {
  const uint64_t nonce = nonce_++;
  request(Request().open(nonce), link);
  turn(log);
  const std::vector<Answer> all = answers();
  machine::require(all.size() == 1 && all[0].operation == nonce, "rig: an OPEN is answered");
  return all[0].version;
}

}  // namespace rig

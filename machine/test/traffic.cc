#include "machine/test/traffic.h"

#include <algorithm>

#include "test/native/check.h"

namespace rig {

namespace {

constexpr uint32_t CHUNK_BYTES = 600;
constexpr uint32_t WIDE_VALUE_BYTES_MAX = 9000;

}  // namespace

void Traffic::pass() {
  if (shape_.microsMax == 0) return;
  log_.time += random_.below(shape_.microsMax);
  if (random_.below(30) != 0) return;
  ++log_.epoch;
  log_.time += shape_.microsMax * 1000;
}

std::vector<Entry> Traffic::turn() {
  pass();
  rig_.packEnd();
  rig_.packBegin(0, random_.below(12) == 0);
  if (clients_.size() < shape_.sessions && (clients_.empty() || random_.below(4) == 0)) open();
  for (uint64_t i = random_.below(4); i > 0; --i) {
    if (clients_.empty()) break;
    const size_t which = random_.below(clients_.size());
    record(clients_[which]);
    if (random_.below(40) != 0) continue;
    Client& leaving = clients_[which];
    Request closing = Request().record(leaving.id, leaving.sequence, 1).set("bye", "1");
    CHECK(rig_.request(closing.plain(wire::op::CLOSE), 0) == machine::Taken::ok);
    clients_.erase(clients_.begin() + static_cast<ptrdiff_t>(which));
  }
  if (shape_.items && random_.below(6) == 0) rig_.machine().packTick();
  const std::vector<Entry> entries = rig_.turn(log_);
  for (const Answer& answer : rig_.answers()) {
    if (answer.session == 0 && answer.status == wire::status::OK) clients_.push_back({answer.version});
    if (answer.status != wire::status::SESSION_EXPIRED) continue;
    std::erase_if(clients_, [&](const Client& client) { return client.id == answer.session; });
  }
  return entries;
}

void Traffic::open() {
  CHECK(rig_.request(Request().open(nonce_++), 0) == machine::Taken::ok);
}

void Traffic::record(Client& client) {
  // Sometimes one from the future, which is passed over.
  const uint64_t ahead = random_.below(30) == 0 ? 5 : 0;
  client.unanswered = std::min<uint64_t>(random_.below(20), client.sequence - 1);
  Request request;
  request.record(client.id, client.sequence + ahead, 1, static_cast<uint32_t>(client.unanswered));
  if (ahead != 0) {
    request.set("future", "1");
    CHECK(rig_.request(request, 0) == machine::Taken::ok);
    return;
  }
  client.sequence += writes(request, client);
  CHECK(rig_.request(request, 0) == machine::Taken::ok);
}

uint32_t Traffic::writes(Request& request, Client& client) {
  const auto count = static_cast<uint32_t>(1 + random_.below(shape_.writesMax));
  if (client.wide.empty() && random_.below(6) == 0) {
    const std::string value(random_.below(WIDE_VALUE_BYTES_MAX), static_cast<char>('a' + count));
    const std::string key = keyOf(random_.below(shape_.keys));
    client.wide = wideOne(key, value);
    client.wideDone = 0;
  }
  if (!client.wide.empty() && fragment(request, client)) return 1;
  for (uint32_t i = 0; i < count; ++i) writeOne(request);
  return count;
}

/** A fragment leaves no room for much else; sometimes one is left out, and the rest is refused. */
bool Traffic::fragment(Request& request, Client& client) {
  const auto total = static_cast<uint32_t>(client.wide.size());
  if (random_.below(20) == 0) client.wideDone += CHUNK_BYTES;
  if (client.wideDone >= total) {
    client.wide.clear();
    return false;
  }
  const std::string chunk = client.wide.substr(client.wideDone, CHUNK_BYTES);
  request.fragment(total, client.wideDone, chunk);
  client.wideDone += static_cast<uint32_t>(chunk.size());
  if (client.wideDone >= total) client.wide.clear();
  return true;
}

std::string Traffic::wideOne(const std::string& key, const std::string& value) {
  if (!shape_.items) {
    return wideOf(random_.below(2) == 0 ? wire::op::SET : wire::op::CREATE, key, value);
  }
  const auto mode = static_cast<uint32_t>(random_.below(5));
  return wideItemOf(wire::op::STORE, {{3, 4, mode, 0}, {}, {}}, key, value);
}

/** Any options, times that soon come, a cas that may well be the item's. */
void Traffic::writeItem(Request& request) {
  namespace option = wire::option;
  const auto exptime = random_.below(4) == 0 ? static_cast<int32_t>(random_.below(40)) - 2 : 0;
  const uint64_t cas = log_.counter - std::min(log_.counter, random_.below(50));
  Prefix prefix{{static_cast<uint32_t>(random_.below(9)), exptime, 0, exptime + 1},
                {cas, random_.below(4) == 0 ? ~cas : cas + 2},
                {random_.below(5000), random_.below(1u << 30)}};
  constexpr uint32_t bits[] = {option::TTL,  option::VIVIFY, option::RECACHE, option::STALE,
                               option::VALUE, option::META,   option::NEW_CAS, option::IF_CAS};
  for (const uint32_t bit : bits) {
    if (random_.below(bit == option::IF_CAS ? 5 : 2) == 0) prefix.item.options |= bit;
  }
  constexpr uint8_t kinds[] = {wire::op::STORE, wire::op::STORE_IF, wire::op::FETCH,
                               wire::op::ARITH, wire::op::ARITH,    wire::op::DROP};
  const uint8_t kind = kinds[random_.below(std::size(kinds))];
  const bool stores = kind == wire::op::STORE || kind == wire::op::STORE_IF;
  if (kind == wire::op::STORE) prefix.item.options &= ~(option::IF_CAS | option::NEW_CAS);
  if (stores) prefix.item.options |= static_cast<uint32_t>(random_.below(5));
  if (kind == wire::op::ARITH) prefix.item.options |= static_cast<uint32_t>(random_.below(2));
  const std::string value = random_.below(2) == 0 ? std::to_string(random_.below(1u << 20))
                                                  : std::string(random_.below(40), 'v');
  request.item(kind, prefix, keyOf(random_.below(shape_.keys)), stores ? value : "");
}

void Traffic::writeOne(Request& request) {
  if (!shape_.items || random_.below(2) == 0) return writeOther(request);
  const uint64_t which = random_.below(2000);
  if (which == 0) {
    request.flush(random_.below(2) == 0 ? 0 : static_cast<int32_t>(random_.below(6)));
  } else if (which < 60) {
    request.used({keyOf(random_.below(shape_.keys)), keyOf(random_.below(shape_.keys)), "none"});
  } else {
    writeItem(request);
  }
}

void Traffic::writeOther(Request& request) {
  const std::string key = keyOf(random_.below(shape_.keys));
  const std::string value(random_.below(24), static_cast<char>('a' + random_.below(26)));
  // A version that may well be the item's: one of the last ones.
  const uint64_t version = log_.counter - std::min(log_.counter, random_.below(50));
  switch (random_.below(8)) {
    case 0:
      request.create(key, value);
      break;
    case 1:
      request.setIf(key, version, value);
      break;
    case 2:
      request.remove(key);
      break;
    case 3:
      request.removeIf(key, version);
      break;
    case 4:
      request.plain(random_.below(2) == 0 ? wire::op::SYNC : wire::op::TOUCH);
      break;
    default:
      request.set(key, value);
  }
}

}  // namespace rig

#include "front/test/world.h"

namespace front::test {

namespace {

constexpr uint32_t LINK = 0;
constexpr uint32_t TURNS_MAX = 5000;
constexpr uint64_t LOG_MICROS = 1'700'000'000'500'000;

FrontSettings settingsOf(const rig::Rig& rig, const rig::Options& options, uint64_t sessionMillis) {
  // The first datagram of the rig's slab is where its own requests are built: nobody else does in these tests.
  auto* const slab = const_cast<uint8_t*>(rig.slab());
  return {slab, 0, options.datagramBytes, LINK, options.sessionWindow, sessionMillis, WAIT_MILLIS, options.evict};
}

}  // namespace

World::World(const rig::Options& options, uint64_t sessionMillis)
    : rig_(options), front_(rig_.machine(), settingsOf(rig_, options, sessionMillis)) {
  log.time = LOG_MICROS;
}

World::~World() { front_.dismiss(); }

Peer& World::connect() {
  peers_.push_back(std::make_unique<Peer>(pool, protocol_));
  return *peers_.back();
}

void World::disconnect(Peer& peer) {
  front_.forget(peer.client);
  std::erase_if(peers_, [&](const auto& each) { return each.get() == &peer; });
}

size_t World::feed(Peer& peer, std::string_view bytes) {
  const size_t taken = peer.client.connection.feed(bytes);
  front_.activate(peer.client);
  return taken;
}

void World::turn(Fate fate, bool serving, bool open) {
  front_.turn(serving, open, ++millis);
  if (fate == Fate::applied) {
    rig_.turn(log);
  } else {
    std::vector<rig::Entry> entries = rig_.packEnd();
    front_.dismiss();
    if (fate == Fate::appliedAfterDismissal) {
      for (rig::Entry& entry : entries) log.seal(entry);
      rig_.apply(entries);
    }
    rig_.packBegin();
  }
  front_.endTurn();
  if (front_.wantsTold()) front_.tell({});
  collect();
}

void World::collect() {
  for (const auto& peer : peers_) {
    memcached::Connection& connection = peer->client.connection;
    std::string_view pieces[8];
    while (connection.outputBytes() != 0) {
      size_t bytes = 0;
      for (size_t i = 0, count = connection.outputPieces(pieces); i < count; ++i) {
        peer->said += pieces[i];
        bytes += pieces[i].size();
      }
      connection.sent(bytes);
      front_.activate(peer->client);
    }
    peer->client.touched = false;
  }
  front_.touched().clear();
}

std::string World::ask(Peer& peer, std::string_view bytes) {
  for (uint32_t i = 0; i < TURNS_MAX; ++i) {
    bytes.remove_prefix(feed(peer, bytes));
    turn();
    if (bytes.empty() && !front_.busy() && peer.client.waiting.empty()) break;
  }
  CHECK(bytes.empty());
  CHECK(peer.client.waiting.empty());
  return peer.take();
}

}  // namespace front::test

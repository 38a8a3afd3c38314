/**
 * Random streams, whole and damaged, through the front of a replica: in any pieces, with links that are lost and
 * leaders that are away, replies are those of a quiet replica. ZABKV_SEED replays one seed, ZABKV_SEEDS says how many.
 */
#include <algorithm>
#include <cstdlib>

#include "front/test/world.h"
#include "memcached/test/streams.h"

namespace front::test {
namespace {

using memcached::test::Random;
using native_test::run;

constexpr uint64_t SEEDS = 40;
constexpr uint32_t COMMANDS = 40;
constexpr uint32_t STEPS_MAX = 20'000;
constexpr size_t PACKET_HEADER_BYTES = 24;
constexpr char PACKET_STATISTICS = 0x10;
constexpr std::string_view OVERTAKEN = "a later write of this connection was done already";

/** A line of text: statistics are left out, and cas numbers behind VALUE's four words or a meta flag c. */
std::string withoutNumbersOfLine(std::string_view line) {
  if (line.starts_with("STAT ")) return {};
  std::string kept;
  uint32_t words = 0;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' ', 1), line.size());
    std::string_view word = line.substr(0, end);
    line.remove_prefix(end);
    if (++words > 4 && kept.starts_with("VALUE ")) continue;
    if (words > 1 && word.starts_with(" c")) word = " c";
    kept += word;
  }
  return kept + '\n';
}

std::string withoutNumbersOfLines(std::string_view reply) {
  std::string kept;
  while (!reply.empty()) {
    const size_t end = std::min(reply.find('\n'), reply.size() - 1);
    kept += withoutNumbersOfLine(reply.substr(0, end));
    reply.remove_prefix(end + 1);
  }
  return kept;
}

/** Cas numbers count all writes of the cluster, and sessions that were opened beside: they are left out. */
std::string withoutNumbers(const std::string& reply, bool isBinary) {
  if (!isBinary) return withoutNumbersOfLines(reply);
  std::string packets;
  for (size_t at = 0; at + PACKET_HEADER_BYTES <= reply.size();) {
    size_t bytes = 0;
    for (size_t i = 8; i < 12; ++i) bytes = bytes << 8 | static_cast<uint8_t>(reply[at + i]);
    std::string packet = reply.substr(at, PACKET_HEADER_BYTES + bytes);
    packet.replace(16, 8, 8, '\0');
    if (packet[1] != PACKET_STATISTICS) packets += packet;
    at += PACKET_HEADER_BYTES + bytes;
  }
  return packets;
}

/** Versions larger than any cas that a stream makes up. */
Peer& settle(World& world) {
  Peer& peer = world.connect();
  std::string bytes;
  for (int i = 0; i < 20; ++i) bytes += "set filler 0 0 1\r\nx\r\n";
  world.ask(peer, bytes);
  return world.connect();
}

std::string quietly(std::string_view stream) {
  World world;
  Peer& peer = settle(world);
  std::string reply;
  for (uint32_t i = 0; i < STEPS_MAX && !peer.client.connection.closeWanted(); ++i) {
    stream.remove_prefix(world.feed(peer, stream));
    if (stream.empty()) peer.client.connection.endOfInput();
    world.turn();
    reply += peer.take();
  }
  CHECK(peer.client.connection.closeWanted());
  return reply;
}

/** What else may happen in a turn. */
void turnSomehow(Random& random, World& world) {
  const uint64_t what = random.below(20);
  if (what == 0) return world.turn(Fate::appliedAfterDismissal);
  if (what == 1) return world.turn(Fate::lost);
  if (what == 2) return world.turn(Fate::applied, false, false);
  if (what == 3) return world.turn(Fate::applied, true, false);
  if (what == 4) world.dismiss();
  world.turn();
}

std::string troubled(Random& random, std::string_view stream) {
  World world;
  Peer& peer = settle(world);
  std::string reply;
  for (uint32_t i = 0; i < STEPS_MAX && !peer.client.connection.closeWanted(); ++i) {
    const uint64_t most = random.oneIn(3) ? 100'000 : 200;
    if (!random.oneIn(3)) stream.remove_prefix(world.feed(peer, stream.substr(0, 1 + random.below(most))));
    if (stream.empty()) peer.client.connection.endOfInput();
    turnSomehow(random, world);
    reply += peer.take();
  }
  CHECK(peer.client.connection.closeWanted());
  return reply;
}

/** Whether there was something to compare: a read may have lost its place for good. */
bool compare(uint64_t seed, bool isDamaged) {
  Random random{std::mt19937_64{seed}};
  std::string stream = memcached::test::streamOf(random, COMMANDS);
  if (isDamaged) memcached::test::damage(random, stream);
  const bool isBinary = stream[0] == static_cast<char>(0x80);
  const std::string reply = troubled(random, stream);
  if (reply.find(OVERTAKEN) != reply.npos) return false;
  const std::string whole = withoutNumbers(quietly(stream), isBinary);
  const std::string pieces = withoutNumbers(reply, isBinary);
  CHECK(whole == pieces);
  if (whole != pieces) std::printf("    seed %llu\n", static_cast<unsigned long long>(seed));
  return true;
}

uint64_t seeds() {
  const char* const many = std::getenv("ZABKV_SEEDS");
  return many == nullptr ? SEEDS : std::strtoull(many, nullptr, 10);
}

void compareSeeds(bool isDamaged) {
  if (const char* const one = std::getenv("ZABKV_SEED")) {
    compare(std::strtoull(one, nullptr, 10), isDamaged);
    return;
  }
  uint64_t compared = 0;
  for (uint64_t seed = 1; seed <= seeds(); ++seed) compared += compare(seed, isDamaged);
  CHECK(compared * 2 > seeds());
}

void validStreams() { compareSeeds(false); }
void damagedStreams() { compareSeeds(true); }

/** Many at once, of which some hang up in the middle. */
void crowd(uint64_t seed) {
  struct Talk {
    Peer* peer;
    std::string stream;
    size_t fed = 0;
  };
  Random random{std::mt19937_64{seed}};
  rig::Options options;
  options.sessionsMax = 3;
  World world(options);
  std::vector<Talk> talks;
  for (int i = 0; i < 8; ++i) {
    talks.push_back({&world.connect(), memcached::test::streamOf(random, COMMANDS)});
    if (random.oneIn(2)) memcached::test::damage(random, talks.back().stream);
  }
  for (uint32_t step = 0; step < STEPS_MAX && !talks.empty(); ++step) {
    Talk& talk = talks[random.below(talks.size())];
    const std::string_view rest = std::string_view(talk.stream).substr(talk.fed);
    talk.fed += world.feed(*talk.peer, rest.substr(0, 1 + random.below(5000)));
    if (talk.fed == talk.stream.size()) talk.peer->client.connection.endOfInput();
    turnSomehow(random, world);
    const bool isOver = talk.peer->client.connection.closeWanted() || random.oneIn(300);
    if (!isOver) continue;
    world.disconnect(*talk.peer);
    std::swap(talk, talks.back());
    talks.pop_back();
  }
  CHECK(talks.empty());
  // Sessions of those who left are left to end; the others' are free.
  for (int i = 0; i < 10; ++i) world.turn();
  CHECK(world.pool.lent() == 0);
  if (!talks.empty()) std::printf("    seed %llu\n", static_cast<unsigned long long>(seed));
}

void crowds() {
  for (uint64_t seed = 1; seed <= seeds(); ++seed) crowd(seed);
}

}  // namespace

void streamTests() {
  run("streams: whatever happens to pieces and links, the same replies", validStreams);
  run("streams: of damaged ones, too", damagedStreams);
  run("streams: of many connections, some of which hang up, nothing is left behind", crowds);
}

}  // namespace front::test

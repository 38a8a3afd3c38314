/**
 * Streams in pieces: valid and damaged ones, cut anywhere, executed at once or late, get the same replies, and hold
 * bounded memory. ZABKV_SEED replays one seed, ZABKV_SEEDS says how many.
 */
#include <cstdlib>
#include <deque>

#include "streams.h"

namespace memcached::test {
namespace {

constexpr uint64_t SEEDS = 150;
constexpr uint32_t COMMANDS = 60;

/** Answers come when it pleases, also long after many more commands were given out. */
std::string askLate(Random& random, std::string_view stream) {
  Client client;
  std::deque<const Command*> given;
  uint64_t lentMost = 0;
  for (uint64_t turns = 0; !client.connection.closeWanted() && turns < 10'000'000; ++turns) {
    if (random.oneIn(3) && client.connection.wantsInput() && !stream.empty()) {
      const uint64_t most = random.oneIn(4) ? 100'000 : 50;
      stream.remove_prefix(client.connection.feed(stream.substr(0, 1 + random.below(most))));
      if (stream.empty()) client.connection.endOfInput();
    }
    if (random.oneIn(2)) {
      const Command* const command = client.connection.take();
      if (command != nullptr) given.push_back(command);
    }
    if (!given.empty() && random.oneIn(3)) {
      client.connection.answer(client.reference.execute(*given.front(), client.connection));
      given.pop_front();
    }
    if (client.connection.outputBytes() != 0 && random.oneIn(4)) {
      std::string_view piece[1];
      client.connection.outputPieces(piece);
      const size_t bytes = 1 + random.below(piece[0].size());
      client.reply += piece[0].substr(0, bytes);
      client.connection.sent(bytes);
    }
    lentMost = std::max(lentMost, client.pool.lent());
  }
  CHECK(client.connection.closeWanted());
  CHECK(lentMost < (INPUT_BYTES_MAX + OUTPUT_BYTES_MAX) / BLOCK_BYTES + 64);
  return client.reply;
}

std::string askWhole(std::string_view stream, size_t pieceBytes) {
  Client client;
  const std::string reply = client.ask(stream, pieceBytes);
  client.connection.endOfInput();
  return reply + client.ask({});
}

void comparePieces(uint64_t seed, bool isDamaged) {
  Random random{std::mt19937_64{seed}};
  std::string stream = streamOf(random, COMMANDS);
  if (isDamaged) damage(random, stream);
  const std::string whole = askWhole(stream, SIZE_MAX);
  const bool same = askWhole(stream, 1 + random.below(40)) == whole && askLate(random, stream) == whole;
  CHECK(same);
  if (!same) std::printf("    seed %llu\n", static_cast<unsigned long long>(seed));
}

void compareSeeds(bool isDamaged) {
  const char* const one = std::getenv("ZABKV_SEED");
  if (one != nullptr) return comparePieces(std::strtoull(one, nullptr, 10), isDamaged);
  const char* const many = std::getenv("ZABKV_SEEDS");
  const uint64_t seeds = many == nullptr ? SEEDS : std::strtoull(many, nullptr, 10);
  for (uint64_t seed = 1; seed <= seeds; ++seed) comparePieces(seed, isDamaged);
}

void validStreams() { compareSeeds(false); }
void damagedStreams() { compareSeeds(true); }

}  // namespace

void splitTests() {
  native_test::run("splits: a stream in any pieces, answered at any time, has the same replies", validStreams);
  native_test::run("splits: a damaged stream too, and it neither hangs nor grows", damagedStreams);
}

}  // namespace memcached::test

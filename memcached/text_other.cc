/** Commands of the text protocol that are one line. */
#include "memcached/numbers.h"
#include "memcached/text.h"

namespace memcached {
namespace {

void sayUnless(State& state, bool noreply, std::string_view text) {
  if (!noreply) say(state, text);
}

Command& pushKeyed(State& state, Verb verb, std::string_view key, bool noreply) {
  Command& command = push(state);
  command.verb = verb;
  command.key = key;
  command.noreply = noreply;
  return command;
}

}  // namespace

void parseDelete(State& state, const Words& words) {
  const bool noreply = words.count > 2 && words.last() == NOREPLY;
  if (words.count > 2) {
    const bool zero = words[2] == "0"; // a time once stood here
    if (words.count == 3 ? !zero && !noreply : !zero || !noreply) {
      return sayUnless(state, noreply, "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]");
    }
  }
  if (words[1].size() > KEY_BYTES_MAX) return sayUnless(state, noreply, BAD_FORMAT);
  pushKeyed(state, Verb::remove, words[1], noreply);
}

void parseArithmetic(State& state, const Words& words, bool decreases) {
  const bool noreply = words.last() == NOREPLY;
  uint64_t delta;
  if (words[1].size() > KEY_BYTES_MAX) return sayUnless(state, noreply, BAD_FORMAT);
  if (!readU64(words[2], delta)) {
    return sayUnless(state, noreply, "CLIENT_ERROR invalid numeric delta argument");
  }
  Command& command = pushKeyed(state, Verb::arithmetic, words[1], noreply);
  command.delta = delta;
  command.decreases = decreases;
}

void parseTouch(State& state, const Words& words) {
  const bool noreply = words.last() == NOREPLY;
  int32_t exptime;
  if (words[1].size() > KEY_BYTES_MAX) return sayUnless(state, noreply, BAD_FORMAT);
  if (!readI32(words[2], exptime)) return sayUnless(state, noreply, BAD_EXPTIME);
  Command& command = pushKeyed(state, Verb::read, words[1], noreply);
  command.touches = true;
  command.touchOnly = true;
  command.exptime = exptime;
}

void parseFlush(State& state, const Words& words) {
  const bool noreply = words.last() == NOREPLY;
  int32_t exptime = 0;
  if (words.count != (noreply ? 2u : 1u) && !readI32(words[1], exptime)) {
    return sayUnless(state, noreply, BAD_EXPTIME);
  }
  pushKeyed(state, Verb::flush, {}, noreply).exptime = exptime;
}

void parseStats(State& state, const Words& words) {
  if (words.count > 1 && words[1] == "cachedump") return say(state, "CLIENT_ERROR stats cachedump not allowed");
  if (words.count > 1 && words[1] == "detail") {
    const std::string_view what = words.count > 2 ? words[2] : std::string_view{};
    if (what != "on" && what != "off" && what != "dump") {
      return say(state, "CLIENT_ERROR usage: stats detail on|off|dump");
    }
  }
  Command& command = pushKeyed(state, Verb::statistics, words.count > 1 ? words[1] : std::string_view{}, false);
  if (words.count > 2) command.value = {words[2].data(), words.last().data() + words.last().size()};
}

void parseVerbosity(State& state, const Words& words) {
  const bool noreply = words.last() == NOREPLY;
  uint32_t level;
  sayUnless(state, noreply, readU32(words[1], level) ? "OK" : BAD_FORMAT);
}

/** Slabs and the crawler are memcached's own: the answers are its own where they are switched off. */
void parseSlabs(State& state, const Words& words) {
  say(state, words.count == 4 && words[1] == "reassign" ? "CLIENT_ERROR slab reassignment disabled" : ERROR);
}

void parseCrawler(State& state, const Words& words) {
  const bool known = words.count == 3 && (words[1] == "crawl" || words[1] == "metadump");
  say(state, known ? "CLIENT_ERROR lru crawler disabled" : ERROR);
}

}  // namespace memcached

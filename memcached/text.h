/**
 * The text protocol's commands, classic and meta, as memcached 1.6.18 reads them. text.cc finds lines and dispatches;
 * the others each take a line (without its end, cut at a zero byte) that begins at the input's front.
 */
#pragma once

#include <string_view>

#include "memcached/state.h"

namespace memcached {

/** The words of a line, between spaces. What is behind WORDS_MAX words is not read. */
struct Words {
  std::string_view operator[](uint32_t index) const { return {at[index], bytes[index]}; }
  std::string_view last() const { return (*this)[count - 1]; }

  // Not initialised: it is made for every line, and most lines are short.
  const char* at[WORDS_MAX];
  size_t bytes[WORDS_MAX];
  uint32_t count;
};

void splitWords(std::string_view line, Words& words);

inline constexpr std::string_view NOREPLY = "noreply";
inline constexpr std::string_view ERROR = "ERROR";
inline constexpr std::string_view BAD_FORMAT = "CLIENT_ERROR bad command line format";
inline constexpr std::string_view BAD_CHUNK = "CLIENT_ERROR bad data chunk";
inline constexpr std::string_view BAD_EXPTIME = "CLIENT_ERROR invalid exptime argument";
inline constexpr std::string_view TOO_LARGE = "SERVER_ERROR object too large for cache";

/** A line at the input's front: its bytes with the end, and its words. */
struct Line {
  size_t bytes;
  Words words;
};

Progress parseText(State& state);

/** get, gets, gat, gats: `text` is what follows the name. Consumes the line. */
Progress beginKeys(State& state, std::string_view text, size_t lineBytes, bool withCas, bool touches);
/** A get whose line has no end within GET_LINE_BYTES_MAX. */
Progress beginStream(State& state);
Progress parseKeys(State& state);
Progress parseStream(State& state);

/** Commands with a value behind the line: nothing is consumed before all of it is there. */
Progress parseStore(State& state, const Line& line, Mode mode);
Progress parseMetaSet(State& state, const Line& line);

/** Commands of one line. The caller consumes it. */
void parseDelete(State& state, const Words& words);
void parseArithmetic(State& state, const Words& words, bool decreases);
void parseTouch(State& state, const Words& words);
void parseFlush(State& state, const Words& words);
void parseStats(State& state, const Words& words);
void parseVerbosity(State& state, const Words& words);
void parseSlabs(State& state, const Words& words);
void parseCrawler(State& state, const Words& words);
void parseMetaGet(State& state, const Words& words);
void parseMetaDelete(State& state, const Words& words);
void parseMetaArithmetic(State& state, const Words& words);
void parseMetaDescribe(State& state, const Words& words);

/** Phase login: a connection that has to say first who it is. */
Progress parseLogin(State& state);

/** A value of `bytes` behind a line of `lineBytes`: whether it is all there. If not, the input knows what it needs. */
bool hasValue(State& state, size_t lineBytes, size_t bytes);
/** Passes over the line and the value behind it, which may still come. */
void refuseValue(State& state, size_t lineBytes, size_t valueBytes);
/** For a command that is in the queue already. */
void sayInstead(Command& command, std::string_view text);

}  // namespace memcached

#include "bench/native/dialects.h"

#include "bench/native/measure.h"

namespace bench {

namespace {

constexpr std::string_view LINE_END = "\r\n";
constexpr size_t KEY_BYTES = 8;

void appendKey(std::string& out, uint32_t id) {
  char key[KEY_BYTES];
  writeKey(id, key);
  out.append(key, KEY_BYTES);
}

/** An answer that is one line: good when it is `expected`. */
Taken takeLine(std::string_view in, std::string_view expected) {
  const size_t end = in.find(LINE_END);
  if (end == std::string_view::npos) return {Answer::incomplete, 0};
  return {in.substr(0, end) == expected ? Answer::ok : Answer::bad, end + LINE_END.size()};
}

void appendBulk(std::string& out, std::string_view text) {
  out.append("$").append(std::to_string(text.size())).append(LINE_END).append(text).append(LINE_END);
}

}  // namespace

/** A line, a value of the length that all have, and the end of a line. */
Taken Dialect::takeValue(std::string_view in, std::string_view head) const {
  const Taken taken = takeLine(in, head);
  if (taken.answer != Answer::ok) return taken;
  const size_t bytes = taken.bytes + value_.size() + LINE_END.size();
  if (in.size() < bytes) return {Answer::incomplete, 0};
  return {Answer::ok, bytes};
}

Memcached::Memcached(uint32_t valueBytes) : Dialect(valueBytes), valueHead_("VA ") {
  valueHead_ += std::to_string(valueBytes);
}

void Memcached::set(std::string& out, uint32_t id) {
  out.append("set ");
  appendKey(out, id);
  out.append(" 0 0 ").append(std::to_string(value_.size())).append(LINE_END).append(value_).append(LINE_END);
}

/** The meta command: memcached gathers its answers, where it writes each answer of a plain `get` by itself. */
void Memcached::get(std::string& out, uint32_t id) {
  out.append("mg ");
  appendKey(out, id);
  out.append(" v").append(LINE_END);
}

void Memcached::wait(std::string&, uint32_t) { stop("memcached has no replicas to wait for."); }

Taken Memcached::takeSet(std::string_view in) const { return takeLine(in, "STORED"); }

Taken Memcached::takeGet(std::string_view in) const { return takeValue(in, valueHead_); }

Taken Memcached::takeWait(std::string_view, uint32_t) const { return {Answer::bad, 0}; }

Redis::Redis(uint32_t valueBytes) : Dialect(valueBytes), valueHead_("$") { valueHead_ += std::to_string(valueBytes); }

void Redis::set(std::string& out, uint32_t id) {
  out.append("*3\r\n$3\r\nSET\r\n$8\r\n");
  appendKey(out, id);
  out.append(LINE_END);
  appendBulk(out, value_);
}

void Redis::get(std::string& out, uint32_t id) {
  out.append("*2\r\n$3\r\nGET\r\n$8\r\n");
  appendKey(out, id);
  out.append(LINE_END);
}

void Redis::wait(std::string& out, uint32_t replicas) {
  out.append("*3\r\n$4\r\nWAIT\r\n");
  appendBulk(out, std::to_string(replicas));
  appendBulk(out, "1000");
}

Taken Redis::takeSet(std::string_view in) const { return takeLine(in, "+OK"); }

Taken Redis::takeGet(std::string_view in) const { return takeValue(in, valueHead_); }

Taken Redis::takeWait(std::string_view in, uint32_t replicas) const {
  char expected[16];
  std::snprintf(expected, sizeof expected, ":%u", replicas);
  return takeLine(in, expected);
}

}  // namespace bench

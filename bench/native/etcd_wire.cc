#include "bench/native/etcd_wire.h"

namespace bench {

namespace {

// Of protocol buffers: (field number << 3) | 2 is a field of bytes, | 0 one that is a number.
constexpr char PUT_KEY = 1 << 3 | 2;
constexpr char PUT_VALUE = 2 << 3 | 2;
constexpr char RANGE_KEY = 1 << 3 | 2;
constexpr char RANGE_SERIALIZABLE = 7 << 3;

void appendVarint(std::string& out, size_t value) {
  for (; value >= 128; value >>= 7) out.push_back(static_cast<char>((value & 127) | 128));
  out.push_back(static_cast<char>(value));
}

void appendBytes(std::string& out, char tag, std::string_view bytes) {
  out.push_back(tag);
  appendVarint(out, bytes.size());
  out.append(bytes);
}

/** gRPC puts one byte for "not compressed" and the length, big endian, before a message. */
std::string framed(const std::string& message) {
  std::string out(1, 0);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>((message.size() >> shift) & 255));
  return out + message;
}

}  // namespace

std::string putRequest(std::string_view key, std::string_view value) {
  std::string message;
  appendBytes(message, PUT_KEY, key);
  appendBytes(message, PUT_VALUE, value);
  return framed(message);
}

std::string rangeRequest(std::string_view key) {
  std::string message;
  appendBytes(message, RANGE_KEY, key);
  message.push_back(RANGE_SERIALIZABLE);
  message.push_back(1);
  return framed(message);
}

}  // namespace bench

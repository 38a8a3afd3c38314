/** What the tests share: a connection with the reference behind it, and what it replies. */
#pragma once

#include <string>

#include "memcached/test/reference.h"
#include "test/native/check.h"

namespace memcached::test {

/** One client. `reply` is all that came since the last time. */
struct Client {
  explicit Client(const Settings& ofServer = {}) : settings(ofServer) {}

  /** Sends in pieces of so many bytes, executes at once, and returns the reply. */
  std::string ask(std::string_view bytes, size_t pieceBytes = SIZE_MAX) {
    while (!bytes.empty() && !connection.closeWanted()) {
      const size_t taken = connection.feed(bytes.substr(0, pieceBytes));
      bytes.remove_prefix(taken);
      reference.serve(connection);
      collect();
      if (taken == 0 && !connection.wantsInput()) break;
    }
    reference.serve(connection);
    collect();
    std::string said;
    said.swap(reply);
    return said;
  }

  void collect() {
    std::string_view pieces[8];
    while (connection.outputBytes() != 0) {
      const size_t count = connection.outputPieces(pieces);
      size_t bytes = 0;
      for (size_t i = 0; i < count; ++i) {
        reply += pieces[i];
        bytes += pieces[i].size();
      }
      connection.sent(bytes);
      reference.serve(connection);
    }
  }

  Settings settings;
  Pool pool;
  Connection connection{pool, settings};
  Reference reference;
  std::string reply;
};

inline std::string packet(uint8_t opcode, std::string_view extras, std::string_view key, std::string_view value,
                          uint64_t cas = 0) {
  const auto body = static_cast<uint32_t>(extras.size() + key.size() + value.size());
  std::string header(24, '\0');
  header[0] = static_cast<char>(0x80);
  header[1] = static_cast<char>(opcode);
  header[2] = static_cast<char>(key.size() >> 8);
  header[3] = static_cast<char>(key.size());
  header[4] = static_cast<char>(extras.size());
  for (int i = 0; i < 4; ++i) header[static_cast<size_t>(8 + i)] = static_cast<char>(body >> (24 - 8 * i));
  header[15] = 0x2a; // opaque
  for (int i = 0; i < 8; ++i) header[static_cast<size_t>(16 + i)] = static_cast<char>(cas >> (56 - 8 * i));
  return header + std::string(extras) + std::string(key) + std::string(value);
}

/** Status and body of the first packet of a reply. */
inline uint16_t statusOf(std::string_view reply) {
  if (reply.size() < 24) return 0xffff;
  return static_cast<uint16_t>(static_cast<uint8_t>(reply[6]) << 8 | static_cast<uint8_t>(reply[7]));
}

void textTests();
void metaTests();
void timeTests();
void binaryTests();
void loginTests();
void flowTests();
void splitTests();

}  // namespace memcached::test

/** The binary protocol. */
#include "fixture.h"
#include "memcached/binary.h"

namespace memcached::test {
namespace {

using namespace binary;
using namespace std::string_view_literals;

constexpr std::string_view NO_EXTRAS = "\0\0\0\0\0\0\0\0"sv;

std::string bodyOf(const std::string& reply) { return reply.size() < 24 ? "" : reply.substr(24); }

uint64_t casOf(const std::string& reply) { return load<uint64_t>(reply.data() + 16); }

void storesAndGets() {
  Client client;
  const std::string stored = client.ask(packet(op::SET, "\0\0\0\7\0\0\0\0"sv, "a", "abc"));
  CHECK(statusOf(stored) == status::OK && stored.size() == 24 && casOf(stored) == 1);
  const std::string got = client.ask(packet(op::GETK, {}, "a", {}));
  CHECK(statusOf(got) == status::OK && bodyOf(got) == "\0\0\0\7aabc"sv && got[15] == 0x2a);
  CHECK(statusOf(client.ask(packet(op::ADD, NO_EXTRAS, "a", "x"))) == status::EXISTS);
  CHECK(statusOf(client.ask(packet(op::REPLACE, NO_EXTRAS, "b", "x"))) == status::NOT_FOUND);
  CHECK(statusOf(client.ask(packet(op::APPEND, {}, "b", "x"))) == status::NOT_STORED);
  CHECK(statusOf(client.ask(packet(op::SET, NO_EXTRAS, "a", "x", 99))) == status::EXISTS);
  CHECK(statusOf(client.ask(packet(op::SET, NO_EXTRAS, "a", "x", 1))) == status::OK);
  CHECK(statusOf(client.ask(packet(op::DELETE, {}, "a", {}, 77))) == status::EXISTS);
  CHECK(statusOf(client.ask(packet(op::DELETE, {}, "a", {}))) == status::OK);
  CHECK(bodyOf(client.ask(packet(op::GET, {}, "a", {}))) == "Not found");
  CHECK(bodyOf(client.ask(packet(op::GETK, {}, "a", {}))) == "a");
}

void quietIsQuietButForErrors() {
  Client client;
  CHECK(client.ask(packet(op::SETQ, NO_EXTRAS, "a", "1")).empty());
  CHECK(client.ask(packet(op::GETQ, {}, "none", {}) + packet(op::GETKQ, {}, "none", {})).empty());
  CHECK(statusOf(client.ask(packet(op::GETQ, {}, "a", {}))) == status::OK);
  CHECK(statusOf(client.ask(packet(op::ADDQ, NO_EXTRAS, "a", "1"))) == status::EXISTS);
  CHECK(statusOf(client.ask(packet(op::DELETEQ, {}, "none", {}))) == status::NOT_FOUND);
  CHECK(client.ask(packet(op::FLUSHQ, {}, {}, {})).empty());
}

void countsAndCreates() {
  Client client;
  const std::string_view one = "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\12\0\0\0\0"sv;
  const std::string_view never = "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\12\xff\xff\xff\xff"sv;
  CHECK(statusOf(client.ask(packet(op::INCREMENT, never, "n", {}))) == status::NOT_FOUND);
  CHECK(bodyOf(client.ask(packet(op::INCREMENT, one, "n", {}))) == "\0\0\0\0\0\0\0\12"sv);
  CHECK(bodyOf(client.ask(packet(op::DECREMENT, never, "n", {}))) == "\0\0\0\0\0\0\0\11"sv);
  CHECK(client.ask(packet(op::INCREMENTQ, one, "n", {})).empty());
  client.ask(packet(op::SET, NO_EXTRAS, "n", "x"));
  CHECK(statusOf(client.ask(packet(op::INCREMENT, one, "n", {}))) == status::NON_NUMERIC);
}

void wrongPacketsCloseTheConnection() {
  const std::string_view extras = NO_EXTRAS;
  for (const auto& [bytes, code] : {
           std::pair{packet(op::GET, {}, std::string(251, 'k'), {}), status::INVALID},
           std::pair{packet(op::GET, {}, {}, {}), status::INVALID},
           std::pair{packet(op::SET, {}, "a", "x"), status::INVALID},
           std::pair{packet(op::NOOP, {}, "a", {}), status::INVALID},
           std::pair{packet(op::GET, {}, "a", "value"), status::INVALID},
           std::pair{packet(op::DELETE, extras, "a", {}), status::INVALID},
       }) {
    Client client;
    CHECK(statusOf(client.ask(bytes)) == code);
    CHECK(client.connection.closeWanted());
  }
  Client magic;
  CHECK(magic.ask(packet(op::NOOP, {}, {}, {}) + "get a\r\n" + std::string(24, 'x')).size() == 24);
  CHECK(magic.connection.closeWanted());
}

void unknownCommandsArePassedOver() {
  Client client;
  const std::string both = client.ask(packet(0x1b, "\0\0\0\1"sv, "key", "value") + packet(op::NOOP, {}, {}, {}));
  CHECK(statusOf(both) == status::UNKNOWN_COMMAND && both.size() == 24 + 15 + 24);
  CHECK(!client.connection.closeWanted());
}

void largeValuesAreSwallowed() {
  Client client;
  client.ask(packet(op::SET, NO_EXTRAS, "a", "x"));
  const std::string value(ITEM_BYTES_MAX, 'v');
  const std::string reply = client.ask(packet(op::SETQ, NO_EXTRAS, "a", value) + packet(op::NOOP, {}, {}, {}), 5000);
  CHECK(statusOf(reply) == status::TOO_LARGE && reply.size() == 24 + 10 + 24);
  CHECK(statusOf(client.ask(packet(op::GET, {}, "a", {}))) == status::NOT_FOUND);
}

void statisticsEndWithAnEmptyOne() {
  Client client;
  const std::string reply = client.ask(packet(op::STAT, {}, {}, {}));
  CHECK(reply.find("curr_items0") != std::string::npos);
  CHECK(reply.size() > 24 && statusOf(reply.substr(reply.size() - 24)) == status::OK);
  CHECK(statusOf(client.ask(packet(op::STAT, {}, "nothing", {}))) == status::NOT_FOUND);
}

}  // namespace

void binaryTests() {
  native_test::run("binary: what is stored is got, with its cas", storesAndGets);
  native_test::run("binary: quiet commands say errors and hits", quietIsQuietButForErrors);
  native_test::run("binary: counts, and creates unless told not to", countsAndCreates);
  native_test::run("binary: a wrong packet is answered and ends the connection", wrongPacketsCloseTheConnection);
  native_test::run("binary: what is not known is passed over, key and value too", unknownCommandsArePassedOver);
  native_test::run("binary: a value too large is swallowed, and the item before it is gone", largeValuesAreSwallowed);
  native_test::run("binary: statistics end with an empty one", statisticsEndWithAnEmptyOne);
}

}  // namespace memcached::test

/** Who may come in: text by its first set, binary by SASL PLAIN. */
#include "fixture.h"
#include "memcached/binary.h"

namespace memcached::test {
namespace {

using namespace std::string_view_literals;

bool accepts(void*, std::string_view user, std::string_view password) { return user == "ann" && password == "secret"; }

Settings guarded() {
  Settings settings;
  settings.credentials = {accepts, nullptr};
  return settings;
}

void textSaysItFirst() {
  Client client(guarded());
  CHECK(client.ask("get a\r\n") == "CLIENT_ERROR unauthenticated\r\n");
  CHECK(client.ask("set any 0 0 9\r\nann wrong\r\n") == "CLIENT_ERROR authentication failure\r\n");
  CHECK(client.ask("set any 0 0 3\r\nann\r\n") == "CLIENT_ERROR bad authentication token format\r\n");
  CHECK(client.ask("set any 0 0 3\r\nannis\r\n") ==
        "CLIENT_ERROR bad command line termination\r\nCLIENT_ERROR unauthenticated\r\n");
  CHECK(client.ask("set any 0 0 10\r\nann secret\r\nset a 0 0 1\r\nx\r\n", 1) == "STORED\r\nSTORED\r\n");
}

void textThatNeverEndsIsHungUpOn() {
  Client client(guarded());
  CHECK(client.ask(std::string(LINE_BYTES_MAX + 1, 'x')).empty() && client.connection.closeWanted());
  Client large(guarded());
  CHECK(large.ask("set any 0 0 4000000000\r\n").empty() && large.connection.closeWanted());
}

void binaryByPlain() {
  using namespace binary;
  Client client(guarded());
  CHECK(client.ask(packet(op::SASL_LIST, {}, {}, {})).substr(24) == "PLAIN");
  CHECK(statusOf(client.ask(packet(op::SASL_AUTH, {}, "PLAIN", "\0ann\0wrong"sv))) == status::AUTH_ERROR);
  CHECK(statusOf(client.ask(packet(op::SASL_AUTH, {}, "MD5", "\0ann\0secret"sv))) == status::AUTH_ERROR);
  CHECK(statusOf(client.ask(packet(op::SASL_STEP, {}, "PLAIN", "\0ann\0secret"sv))) == status::AUTH_ERROR);
  CHECK(statusOf(client.ask(packet(op::SASL_AUTH, {}, "PLAIN", {}))) == status::AUTH_CONTINUE);
  CHECK(client.ask(packet(op::SASL_STEP, {}, "PLAIN", "\0ann\0secret"sv), 1).substr(24) == "Authenticated");
  CHECK(statusOf(client.ask(packet(op::GET, {}, "a", {}))) == status::NOT_FOUND);
}

void binaryWithoutIsHungUpOn() {
  using namespace binary;
  Client client(guarded());
  CHECK(statusOf(client.ask(packet(op::GET, {}, "a", {}))) == status::AUTH_ERROR && client.connection.closeWanted());
  Client open;
  CHECK(statusOf(open.ask(packet(op::SASL_LIST, {}, {}, {}))) == status::UNKNOWN_COMMAND);
  CHECK(statusOf(open.ask(packet(op::SASL_AUTH, {}, "PLAIN", "\0a\0b"sv))) == status::UNKNOWN_COMMAND);
  CHECK(statusOf(open.ask(packet(op::NOOP, {}, {}, {}))) == status::OK);
}

}  // namespace

void loginTests() {
  native_test::run("login: text is let in by its first set, and by nothing else", textSaysItFirst);
  native_test::run("login: what never comes to an end is hung up on", textThatNeverEndsIsHungUpOn);
  native_test::run("login: binary is let in by SASL PLAIN, in one step or two", binaryByPlain);
  native_test::run("login: binary without is hung up on; without credentials no SASL", binaryWithoutIsHungUpOn);
}

}  // namespace memcached::test

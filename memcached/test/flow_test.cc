/** A connection's flow: answers that come later, bounds, slow readers, clients that half close, idle ones. */
#include <deque>
#include <string_view>

#include "fixture.h"

namespace memcached::test {
namespace {

using namespace std::string_view_literals;

void repliesKeepTheOrderOfCommands() {
  Client client;
  client.connection.feed("get a\r\nversion\r\nset b 0 0 1\r\nx\r\nnothing\r\nget b\r\nmn\r\n");
  std::deque<const Command*> given;
  while (const Command* const command = client.connection.take()) given.push_back(command);
  CHECK(given.size() == 3 && client.connection.unanswered() == 3);
  CHECK(client.connection.outputBytes() == 0);
  CHECK(given[0]->key == "a" && given[1]->value == "x" && given[2]->key == "b");
  client.connection.answer(client.reference.execute(*given[0], client.connection));
  client.collect();
  CHECK(client.reply == "END\r\nVERSION 1.6.18\r\n");
  client.connection.answer(client.reference.execute(*given[1], client.connection));
  client.connection.answer(client.reference.execute(*given[2], client.connection));
  client.collect();
  CHECK(client.reply == "END\r\nVERSION 1.6.18\r\nSTORED\r\nERROR\r\nVALUE b 0 1\r\nx\r\nEND\r\nMN\r\n");
}

/** What commands point to must outlast all input that comes before they are answered. */
void inputStaysUntilItIsAnswered() {
  Client client;
  std::deque<const Command*> given;
  std::string stream;
  for (uint32_t i = 0; i < COMMANDS_MAX; ++i) {
    const std::string value(5000, static_cast<char>('a' + i % 26));
    stream += "set key" + std::to_string(i) + " 0 0 5000\r\n" + value + "\r\n";
  }
  std::string_view rest = stream;
  while (!rest.empty() && client.connection.wantsInput()) {
    rest.remove_prefix(client.connection.feed(rest.substr(0, 3000)));
    while (const Command* const command = client.connection.take()) given.push_back(command);
  }
  CHECK(rest.empty() && given.size() == COMMANDS_MAX);
  for (uint32_t i = 0; i < given.size(); ++i) {
    CHECK(given[i]->key == "key" + std::to_string(i));
    CHECK(given[i]->value == std::string(5000, static_cast<char>('a' + i % 26)));
    client.connection.answer({});
  }
  client.collect();
  CHECK(client.pool.lent() == 0);
}

void unansweredCommandsAreBounded() {
  Client client;
  std::string stream;
  for (uint32_t i = 0; i < 3 * COMMANDS_MAX; ++i) stream += "get a\r\n";
  CHECK(client.connection.feed(stream) == stream.size());
  uint64_t given = 0;
  while (client.connection.take() != nullptr) ++given;
  CHECK(given == COMMANDS_MAX && !client.connection.wantsInput());
  for (uint64_t i = 0; i < given; ++i) client.connection.answer({Status::notFound});
  CHECK(client.connection.take() != nullptr);
}

void inputIsBounded() {
  Client client;
  const std::string set = "set a 0 0 1000000\r\n" + std::string(1'000'000, 'x') + "\r\n";
  uint64_t taken = 0;
  for (int i = 0; i < 20; ++i) {
    std::string_view rest = set;
    while (!rest.empty() && client.connection.wantsInput()) {
      const size_t bytes = client.connection.feed(rest);
      rest.remove_prefix(bytes);
      taken += bytes;
      while (client.connection.take() != nullptr) {}
    }
  }
  CHECK(!client.connection.wantsInput());
  CHECK(taken >= INPUT_BYTES_MAX && taken < INPUT_BYTES_MAX + 3'000'000);
}

void slowReadersAreNotServed() {
  Client client;
  CHECK(client.ask("set a 0 0 100000\r\n" + std::string(100'000, 'x') + "\r\n") == "STORED\r\n");
  std::string stream;
  for (int i = 0; i < 100; ++i) stream += "get a\r\n";
  client.connection.feed(stream);
  client.reference.serve(client.connection);
  CHECK(client.connection.outputBytes() >= OUTPUT_BYTES_MAX);
  CHECK(client.connection.outputBytes() < OUTPUT_BYTES_MAX + 101'000 && !client.connection.wantsInput());
  client.collect();
  CHECK(client.reply.size() == 100 * (std::string_view("VALUE a 0 100000\r\n\r\nEND\r\n").size() + 100'000));
  CHECK(client.connection.wantsInput());
}

void halfClosedClientsGetTheirReplies() {
  Client client;
  client.connection.feed("set a 0 0 1\r\nx\r\nget a\r\nset b 0 0 9\r\nunfin");
  client.connection.endOfInput();
  CHECK(!client.connection.closeWanted() && !client.connection.wantsInput());
  client.reference.serve(client.connection);
  CHECK(!client.connection.closeWanted());
  client.collect();
  CHECK(client.reply == "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n" && client.connection.closeWanted());
  Client silent;
  silent.connection.endOfInput();
  CHECK(silent.connection.closeWanted());
}

void idleConnectionsHoldNothing() {
  Client client;
  CHECK(client.ask("set a 0 0 1\r\nx\r\nget a\r\n").size() > 8);
  CHECK(client.pool.lent() == 0);
  client.ask("get");
  CHECK(client.pool.lent() == 1);
  CHECK(client.ask(" a\r\n") == "VALUE a 0 1\r\nx\r\nEND\r\n" && client.pool.lent() == 0);
}

void failuresAreSaid() {
  Client client;
  Outcome failed;
  failed.status = Status::failed;
  failed.value = "no majority of the cluster answers";
  client.connection.feed("get a b c\r\nincr a 1\r\nms a 1\r\nx\r\nset a 0 0 1 noreply\r\nx\r\n");
  for (int i = 0; i < 6; ++i) {
    const Command* const command = client.connection.take();
    CHECK(command != nullptr);
    if (command != nullptr) client.connection.answer(i == 0 ? Outcome{Status::notFound} : failed);
  }
  client.collect();
  const std::string line = "SERVER_ERROR no majority of the cluster answers\r\n";
  CHECK(client.reply == line + line + line);
  Client other;
  other.connection.feed(packet(0x11, "\0\0\0\0\0\0\0\0"sv, "a", "x"));
  CHECK(other.connection.take() != nullptr);
  other.connection.answer(failed);
  other.collect();
  CHECK(statusOf(other.reply) == 0x86 && other.reply.ends_with(failed.value));
}

}  // namespace

void flowTests() {
  native_test::run("flow: replies keep the order of commands, however late answers are", repliesKeepTheOrderOfCommands);
  native_test::run("flow: keys and values stay where they are until they are answered", inputStaysUntilItIsAnswered);
  native_test::run("flow: commands without an answer are bounded", unansweredCommandsAreBounded);
  native_test::run("flow: input that waits for answers is bounded", inputIsBounded);
  native_test::run("flow: who does not read his replies is not served", slowReadersAreNotServed);
  native_test::run("flow: who half closes gets his replies, then the end", halfClosedClientsGetTheirReplies);
  native_test::run("flow: an idle connection holds no memory", idleConnectionsHoldNothing);
  native_test::run("flow: what could not be done is said, once a line", failuresAreSaid);
}

}  // namespace memcached::test

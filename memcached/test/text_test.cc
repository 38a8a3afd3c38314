/** The text protocol: what memcached 1.6.18 replies, byte for byte. compare.test.ts asks it; here are the corners. */
#include "fixture.h"

namespace memcached::test {
namespace {

const std::string LONG_KEY(KEY_BYTES_MAX + 1, 'k');

void storesAndGets() {
  Client client;
  CHECK(client.ask("set a 5 0 3\r\nabc\r\nget a\r\n") == "STORED\r\nVALUE a 5 3\r\nabc\r\nEND\r\n");
  CHECK(client.ask("gets a none a\r\n") == "VALUE a 5 3 1\r\nabc\r\nVALUE a 5 3 1\r\nabc\r\nEND\r\n");
  CHECK(client.ask("add a 0 0 1\r\nx\r\nreplace b 0 0 1\r\nx\r\n") == "NOT_STORED\r\nNOT_STORED\r\n");
  CHECK(client.ask("append a 0 0 1\r\nd\r\nprepend a 0 0 1\r\n0\r\nget a\r\n") ==
        "STORED\r\nSTORED\r\nVALUE a 5 5\r\n0abcd\r\nEND\r\n");
  CHECK(client.ask("cas a 0 0 1 3\r\nx\r\ncas a 0 0 1 3\r\ny\r\ncas b 0 0 1 1\r\nx\r\n") ==
        "STORED\r\nEXISTS\r\nNOT_FOUND\r\n");
  CHECK(client.ask("delete a\r\ndelete a\r\nget a\r\n") == "DELETED\r\nNOT_FOUND\r\nEND\r\n");
}

void noreplySaysNothing() {
  Client client;
  CHECK(client.ask("set a 0 0 1 noreply\r\n1\r\nincr a 1 noreply\r\nget a\r\n") == "VALUE a 0 1\r\n2\r\nEND\r\n");
  CHECK(client.ask("set a x 0 1 noreply\r\nincr a x noreply\r\ntouch a x noreply\r\ndelete a 9 noreply\r\n").empty());
  CHECK(client.ask("set a 0 0 3 noreply\r\nabcd\r\n") == "ERROR\r\n");
  CHECK(client.ask("flush_all noreply\r\nverbosity 1 noreply\r\n").empty());
  // The word stands where a number should: it counts, and so nobody hears of the number.
  CHECK(client.ask("incr a noreply\r\n").empty());
}

void refusesInItsWords() {
  Client client;
  CHECK(client.ask("\r\n") == "ERROR\r\n");
  CHECK(client.ask("\n") == "ERROR\r\n");
  CHECK(client.ask("get\r\n") == "ERROR\r\n");
  CHECK(client.ask("gat 5\r\n") == "END\r\n");
  CHECK(client.ask("gat x a\r\n") == "CLIENT_ERROR invalid exptime argument\r\n");
  CHECK(client.ask("get a " + LONG_KEY + "\r\n") == "CLIENT_ERROR bad command line format\r\n");
  CHECK(client.ask("set " + LONG_KEY + " 0 0 1\r\nx\r\n") == "CLIENT_ERROR bad command line format\r\nERROR\r\n");
  CHECK(client.ask("set a 0 0 1\r\nxyz\r\n") == "CLIENT_ERROR bad data chunk\r\nERROR\r\n");
  CHECK(client.ask("set a 0 0 -1\r\n") == "CLIENT_ERROR bad command line format\r\n");
  CHECK(client.ask("set a 0 0\r\n") == "ERROR\r\n");
  CHECK(client.ask("delete a 9\r\n") ==
        "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n");
  CHECK(client.ask("flush_all x\r\n") == "CLIENT_ERROR invalid exptime argument\r\n");
  CHECK(client.ask("shutdown\r\n") == "ERROR: shutdown not enabled\r\n");
  CHECK(client.ask("verbosity\r\nverbosity x\r\n") == "ERROR\r\nCLIENT_ERROR bad command line format\r\n");
}

void countsWithPadding() {
  Client client;
  CHECK(client.ask("set n 0 0 2\r\n10\r\ndecr n 1\r\nget n\r\n") == "STORED\r\n9\r\nVALUE n 0 2\r\n9 \r\nEND\r\n");
  CHECK(client.ask("incr n 995\r\nget n\r\ndecr n 2000\r\n") == "1004\r\nVALUE n 0 4\r\n1004\r\nEND\r\n0\r\n");
  CHECK(client.ask("set n 0 0 20\r\n18446744073709551615\r\nincr n 2\r\n") == "STORED\r\n1\r\n");
  CHECK(client.ask("set n 0 0 1\r\nx\r\nincr n 1\r\n") ==
        "STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  CHECK(client.ask("set n 0 0 0\r\n\r\nincr n 1\r\n") ==
        "STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  CHECK(client.ask("incr n -1\r\nincr none 1\r\n") ==
        "CLIENT_ERROR invalid numeric delta argument\r\nNOT_FOUND\r\n");
}

void swallowsWhatIsTooLarge() {
  Client client;
  const std::string value(ITEM_BYTES_MAX, 'v');
  const std::string bytes = std::to_string(value.size());
  CHECK(client.ask("set a 0 0 1\r\nx\r\nset a 0 0 " + bytes + "\r\n" + value + "\r\nget a\r\n", 1000) ==
        "STORED\r\nSERVER_ERROR object too large for cache\r\nEND\r\n");
  CHECK(client.ask("set a 0 0 1\r\nx\r\nadd a 0 0 " + bytes + "\r\n" + value + "\r\nget a\r\n") ==
        "STORED\r\nSERVER_ERROR object too large for cache\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
}

void largestItemIsAsLargeAsMemcachedHasIt() {
  Client client;
  for (const auto& [flags, most] : {std::pair{"0", 1048576 - 60}, std::pair{"1", 1048576 - 64}}) {
    for (const int bytes : {most, most + 1}) {
      const std::string line = std::string("set k ") + flags + " 0 " + std::to_string(bytes) + "\r\n";
      const std::string reply = client.ask(line + std::string(static_cast<size_t>(bytes), 'v') + "\r\n");
      CHECK(reply == (bytes == most ? "STORED\r\n" : "SERVER_ERROR object too large for cache\r\n"));
    }
  }
}

void longLinesEndTheConnection() {
  Client client;
  CHECK(client.ask("set a 0 0 1\r\nx\r\n" + std::string(LINE_BYTES_MAX + 1, 'x')) == "STORED\r\n");
  CHECK(client.connection.closeWanted());
  Client other;
  CHECK(other.ask(std::string(LINE_BYTES_MAX - 1, 'x') + "\r\n") == "ERROR\r\n");
  CHECK(!other.connection.closeWanted());
  Client blank;
  CHECK(blank.ask(std::string(BLANKS_MAX + 1, ' ') + "get a " + std::string(LINE_BYTES_MAX, 'x')).empty());
  CHECK(blank.connection.closeWanted());
}

void getsOfManyKeysHaveNoLimit() {
  for (const uint32_t keys : {300u, 3000u, 30000u}) {
    Client client;
    CHECK(client.ask("set key:1 0 0 1\r\nx\r\n") == "STORED\r\n");
    std::string line = "gets";
    std::string reply;
    for (uint32_t i = 0; i < keys; ++i) {
      line += i % 3 == 1 ? " key:1" : " none";
      if (i % 3 == 1) reply += "VALUE key:1 0 1 1\r\nx\r\n";
    }
    const std::string all = reply + "END\r\nMN\r\n";
    CHECK(client.ask(line + "\r\nmn\r\n") == all);
    CHECK(client.ask(line + " \nmn\r\n", 777) == all);
  }
}

void closesWithoutAWord() {
  Client browser;
  CHECK(browser.ask("GET / HTTP/1.1\r\nHost: x\r\n").empty() && browser.connection.closeWanted());
  Client client;
  CHECK(client.ask("version\r\nquit\r\nversion\r\n") == "VERSION 1.6.18\r\n" && client.connection.closeWanted());
}

void statisticsComeFromTheExecutor() {
  Client client;
  CHECK(client.ask("stats\r\n").starts_with("STAT curr_items 0\r\nSTAT cmd_total 1\r\nEND\r\n"));
  CHECK(client.ask("stats reset\r\nstats nothing\r\nstats detail on\r\n") == "RESET\r\nERROR\r\nOK\r\n");
}

}  // namespace

void textTests() {
  native_test::run("text: what is stored is got", storesAndGets);
  native_test::run("text: noreply says nothing, errors neither", noreplySaysNothing);
  native_test::run("text: what is wrong is refused in memcached's words", refusesInItsWords);
  native_test::run("text: a number that shrinks is padded, one that overflows begins anew", countsWithPadding);
  native_test::run("text: the value of a refused set is swallowed, the item before it gone", swallowsWhatIsTooLarge);
  native_test::run("text: the largest item is memcached's", largestItemIsAsLargeAsMemcachedHasIt);
  native_test::run("text: a line without end closes the connection, behind its replies", longLinesEndTheConnection);
  native_test::run("text: a get may have any number of keys", getsOfManyKeysHaveNoLimit);
  native_test::run("text: quit and a browser are closed on", closesWithoutAWord);
  native_test::run("text: statistics are told by whoever executes", statisticsComeFromTheExecutor);
}

}  // namespace memcached::test

/** Expiry, touch and flush, by a clock that the test moves. */
#include "fixture.h"

#include "memcached/expiry.h"

namespace memcached::test {
namespace {

static_assert(expiresAt(0, 1000) == EXPIRES_NEVER);
static_assert(expiresAt(10, 1000) == 1010);
static_assert(isExpired(expiresAt(-1, 1000), 1000));
static_assert(expiresAt(RELATIVE_SECONDS_MAX, 1000) == 1000 + RELATIVE_SECONDS_MAX);
static_assert(isExpired(expiresAt(RELATIVE_SECONDS_MAX + 1, 1'700'000'000), 1'700'000'000), "a second of 1970");

void itemsEndWhenTheirTimeIsOver() {
  Client client;
  CHECK(client.ask("set a 0 10 1\r\nx\r\nset b 0 -1 1\r\nx\r\nget a b\r\n") ==
        "STORED\r\nSTORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
  client.reference.now += 9;
  CHECK(client.ask("mg a t\r\n") == "HD t1\r\n");
  client.reference.now += 1;
  CHECK(client.ask("get a\r\nadd a 0 0 1\r\ny\r\n") == "END\r\nSTORED\r\n");
}

void touchMovesTheEnd() {
  Client client;
  CHECK(client.ask("set a 3 10 1\r\nx\r\ntouch a 100\r\ntouch b 1\r\n") == "STORED\r\nTOUCHED\r\nNOT_FOUND\r\n");
  client.reference.now += 50;
  CHECK(client.ask("gats 200 a\r\n") == "VALUE a 3 1 1\r\nx\r\nEND\r\n");
  client.reference.now += 199;
  CHECK(client.ask("get a\r\n") == "VALUE a 3 1\r\nx\r\nEND\r\n");
  client.reference.now += 1;
  CHECK(client.ask("get a\r\n") == "END\r\n");
}

void flushTakesWhatWasThere() {
  Client client;
  CHECK(client.ask("set a 0 0 1\r\nx\r\nflush_all\r\nset b 0 0 1\r\nx\r\nget a b\r\n") ==
        "STORED\r\nOK\r\nSTORED\r\nVALUE b 0 1\r\nx\r\nEND\r\n");
}

void flushMayWait() {
  Client client;
  CHECK(client.ask("set a 0 0 1\r\nx\r\nflush_all 10\r\nget a\r\n") == "STORED\r\nOK\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
  client.reference.now += 10;
  CHECK(client.ask("get a\r\nset a 0 0 1\r\ny\r\nget a\r\n") == "END\r\nSTORED\r\nVALUE a 0 1\r\ny\r\nEND\r\n");
}

}  // namespace

void timeTests() {
  native_test::run("time: an item is there until its second, and not in it", itemsEndWhenTheirTimeIsOver);
  native_test::run("time: touch and gat move the end", touchMovesTheEnd);
  native_test::run("time: flush takes what was stored before it, in the same second too", flushTakesWhatWasThere);
  native_test::run("time: a flush may wait", flushMayWait);
}

}  // namespace memcached::test

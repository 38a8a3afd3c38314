/** The meta commands: flags, their order, and the state of items that only they know. */
#include "fixture.h"

namespace memcached::test {
namespace {

void returnsFlagsInTheirOrder() {
  Client client;
  CHECK(client.ask("ms foo 3 T0 F7 c k Oabc\r\nxyz\r\n") == "HD c1 kfoo Oabc\r\n");
  CHECK(client.ask("mg foo t f v k s h Oq c\r\n") == "VA 3 t-1 f7 kfoo s3 h0 Oq c1\r\nxyz\r\n");
  CHECK(client.ask("mg foo h k\r\nmg none O1 k\r\nmg none q\r\nmn\r\n") == "HD h1 kfoo\r\nEN O1 knone\r\nMN\r\n");
  CHECK(client.ask("mg foo t T30 O1\r\nmg foo T60 t\r\n") == "HD t-1 O1\r\nHD t60\r\n");
}

void quietSaysTheUnexpected() {
  Client client;
  CHECK(client.ask("ms a 1 q\r\n1\r\nmd b q\r\nma b q\r\nms a 1 q ME\r\n2\r\nma a q\r\nmd a q\r\nmn\r\n") ==
        "NF\r\nNF\r\nNS\r\nMN\r\n");
}

void keysMayBeBinary() {
  Client client;
  CHECK(client.ask("ms AQID 2 b k\r\nhi\r\n") == "HD kAQID b\r\n");
  CHECK(client.ask("mg AQID b v k\r\n") == "VA 2 kAQID b\r\nhi\r\n");
  const std::string refusal = "CLIENT_ERROR error decoding key\r\n";
  CHECK(client.ask("mg A b\r\nmg ==== b\r\n") == refusal + refusal);
  CHECK(client.ask("me AQID b\r\n").starts_with("ME AQID exp=-1 la=0 cas=1 fetch=yes cls=1 size=64\r\n"));
}

void staleItemsAreWonOnce() {
  Client client;
  CHECK(client.ask("ms a 1 T0 c\r\n1\r\nmd a I T30\r\nget a\r\n") == "HD c1\r\nHD\r\nVALUE a 0 1\r\n1\r\nEND\r\n");
  CHECK(client.ask("mg a t c\r\nmg a\r\n") == "HD t30 c2 X W\r\nHD Z X\r\n");
  // Whoever won stores with a cas that is older than the invalidation: it stays stale.
  CHECK(client.ask("ms a 1 I C1\r\n2\r\nmg a v\r\n") == "HD\r\nVA 1 Z X\r\n2\r\n");
  CHECK(client.ask("ms a 1 C3\r\n3\r\nmg a v\r\n") == "HD\r\nVA 1\r\n3\r\n");
}

void missesAreVivifiedAndWonOnce() {
  Client client;
  CHECK(client.ask("mg a N30 t v\r\nmg a N30 t v\r\n") == "VA 0 t30 W\r\n\r\nVA 0 t30 Z\r\n\r\n");
  CHECK(client.ask("ms b 1 T20\r\nx\r\nmg b R10\r\nmg b R30\r\nmg b R30\r\n") == "HD\r\nHD\r\nHD W\r\nHD Z\r\n");
}

void arithmeticVivifies() {
  Client client;
  CHECK(client.ask("ma n\r\nma n N0 J10 v\r\nma n v D5\r\nma n MD D20 v c\r\n") ==
        "NF\r\nVA 2\r\n10\r\nVA 2\r\n15\r\nVA 1 c3\r\n0\r\n");
  CHECK(client.ask("ma n C9\r\nma n C3 v\r\nma n Mx\r\nma n Dx\r\n") ==
        "EX\r\nVA 1\r\n1\r\nCLIENT_ERROR invalid mode for ma M token\r\nCLIENT_ERROR invalid or duplicate flag\r\n");
}

void wrongFlagsAreRefused() {
  Client client;
  CHECK(client.ask("mg a v v\r\nmg a x\r\nmg a Tx\r\nmg a MEE\r\nmg\r\n") ==
        "CLIENT_ERROR duplicate flag\r\nCLIENT_ERROR invalid flag\r\nCLIENT_ERROR bad token in command line format\r\n"
        "CLIENT_ERROR incorrect length for M token\r\nERROR\r\n");
  CHECK(client.ask("mg a O" + std::string(31, '1') + "\r\nmg a O" + std::string(32, '1') + "\r\n") ==
        "EN O" + std::string(31, '1') + "\r\nCLIENT_ERROR opaque token too long\r\n");
  CHECK(client.ask("ms a 2 Mz\r\nab\r\nms a x\r\nms a\r\nmn\r\n") ==
        "CLIENT_ERROR invalid mode for ms M token\r\nCLIENT_ERROR bad command line format\r\n"
        "CLIENT_ERROR bad command line format\r\nMN\r\n");
  CHECK(client.ask("mg a 1 2 3 4 5 6 7 8 9 a b c d e f g h i\r\n") == "CLIENT_ERROR options flags are too long\r\n");
}

void explicitCasIsAnOption() {
  Client client;
  CHECK(client.ask("ms a 1 E77 c\r\nx\r\n") == "CLIENT_ERROR invalid flag\r\n");
  Settings settings;
  settings.explicitCas = true;
  Client later(settings);
  CHECK(later.ask("ms a 1 E77 c\r\nx\r\nmg a c\r\n") == "HD c77\r\nHD c77\r\n");
}

}  // namespace

void metaTests() {
  native_test::run("meta: flags come back in the order in which they were sent", returnsFlagsInTheirOrder);
  native_test::run("meta: quiet says only what was not expected", quietSaysTheUnexpected);
  native_test::run("meta: keys may be binary, and come back as they were stored", keysMayBeBinary);
  native_test::run("meta: a stale item is won by one, and stays stale under an older cas", staleItemsAreWonOnce);
  native_test::run("meta: a miss is vivified and won by one", missesAreVivifiedAndWonOnce);
  native_test::run("meta: arithmetic vivifies, compares and stops at zero", arithmeticVivifies);
  native_test::run("meta: wrong flags are refused in memcached's words", wrongFlagsAreRefused);
  native_test::run("meta: a cas of the client's choice is refused unless it is allowed", explicitCasIsAnOption);
}

}  // namespace memcached::test

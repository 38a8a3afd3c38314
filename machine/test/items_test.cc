// The item operations: what memcached's commands do.
#include <cstring>

#include "machine/test/items.h"
#include "test/native/check.h"

using namespace wire;
using rig::Items;
using rig::Prefix;
using rig::Request;
using rig::Seen;

namespace {

constexpr uint64_t START = 1'700'000'000;
constexpr uint64_t HUGE_CAS = ~uint64_t{0} - 5;

}  // namespace

TEST("items: set, add and replace store with flags and expiry, and say why not") {
  Items items(START);
  EQUAL(items.one({op::STORE, {{7, 100, option::REPLACE, 0}, {}, {}}, "a", "x"}).status,
        status::NOT_FOUND);
  const Seen set = items.one({op::STORE, {{7, 100, option::SET, 0}, {}, {}}, "a", "1"});
  EQUAL(set.status, status::OK);
  EQUAL(items.one({op::STORE, {{8, 0, option::ADD, 0}, {}, {}}, "a", "x"}).status, status::EXISTS);
  Seen got = items.get("a");
  EQUAL(got.value, std::string("1"));
  EQUAL(got.head.flags, 7u);
  EQUAL(got.head.expiry, START + 100);
  EQUAL(got.head.now, START);
  EQUAL(got.head.cas, set.version);
  EQUAL(got.version, set.version);
  EQUAL(items.one({op::STORE, {{9, 0, option::REPLACE, 0}, {}, {}}, "a", "2"}).status, status::OK);
  EQUAL(items.one({op::STORE, {{1, 0, option::ADD, 0}, {}, {}}, "b", "3"}).status, status::OK);
  got = items.get("a");
  EQUAL(got.head.flags, 9u);
  EQUAL(got.head.expiry, 0u);
  EQUAL(items.get("b").value, std::string("3"));
  EQUAL(items.get("none").status, status::NOT_FOUND);
}

TEST("items: exptime is relative up to 30 days, since 1970 beyond, and negative is over at once") {
  Items items(START);
  const int32_t month = 60 * 60 * 24 * 30;
  const struct {
    int32_t exptime;
    uint64_t expiry;
  } cases[] = {{0, 0},
               {1, START + 1},
               {month, START + month},
               {static_cast<int32_t>(START) + 50, START + 50},
               {INT32_MAX, INT32_MAX}};
  for (const auto& each : cases) {
    items.store("a", "1", each.exptime);
    EQUAL(items.get("a").head.expiry, each.expiry);
  }
  for (const int32_t exptime : {-1, INT32_MIN, month + 1, static_cast<int32_t>(START)}) {
    items.store("a", "1");
    EQUAL(items.store("a", "2", exptime).status, status::OK);
    EQUAL(items.get("a").status, status::NOT_FOUND);
  }
}

TEST("items: what expired is absent for every operation, also for those of old") {
  Items items(START);
  const auto each = [&](auto&& then) {
    items.store("a", "5", 10);
    items.later(10);
    then();
  };
  each([&] { EQUAL(items.get("a").status, status::NOT_FOUND); });
  each([&] { EQUAL(items.run(items.record().get("a")).status, status::NOT_FOUND); });
  each([&] { EQUAL(items.fetch("a", option::VALUE).status, status::NOT_FOUND); });
  each([&] { EQUAL(items.arith("a", 1).status, status::NOT_FOUND); });
  each([&] { EQUAL(items.one({op::DROP, {}, "a", ""}).status, status::NOT_FOUND); });
  each([&] { EQUAL(items.run(items.record().remove("a")).status, status::NOT_FOUND); });
  each([&] { EQUAL(items.run(items.record().create("a", "1")).status, status::OK); });
  each([&] {
    EQUAL(items.one({op::STORE, {{0, 0, option::APPEND, 0}, {}, {}}, "a", "x"}).status,
          status::NOT_FOUND);
  });
  each([&] {
    EQUAL(items.one({op::STORE, {{0, 0, option::ADD, 0}, {}, {}}, "a", "x"}).status, status::OK);
  });
  items.store("a", "5", 10);
  items.later(9);
  EQUAL(items.get("a").status, status::OK);
}

TEST("items: cas compares, and an older one may store a stale item when asked to") {
  Items items(START);
  const Prefix cas{{3, 50, option::IF_CAS, 0}, {77, 0}, {}};
  EQUAL(items.one({op::STORE_IF, cas, "a", "x"}).status, status::NOT_FOUND);
  const uint64_t version = items.store("a", "1", 0, 5).version;
  const Seen refused = items.one({op::STORE_IF, cas, "a", "x"});
  EQUAL(refused.status, status::VERSION_MISMATCH);
  EQUAL(refused.version, version);
  const Prefix right{{3, 50, option::IF_CAS | option::NEW_CAS, 0}, {version, HUGE_CAS}, {}};
  EQUAL(items.one({op::STORE_IF, right, "a", "2"}).status, status::OK);
  EQUAL(items.get("a").head.cas, HUGE_CAS);
  EQUAL(items.get("a").head.flags, 3u);
  const Prefix older{{4, 99, option::IF_CAS | option::STALE, 0}, {HUGE_CAS - 1, 0}, {}};
  EQUAL(items.one({op::STORE_IF, older, "a", "3"}).status, status::OK);
  const Seen stale = items.get("a");
  EQUAL(stale.head.state, state::STALE);
  EQUAL(stale.head.expiry, START + 50);  // as it was
  EQUAL(stale.value, std::string("3"));
  const Prefix newer{{4, 99, option::IF_CAS | option::STALE, 0}, {HUGE_CAS + 1, 0}, {}};
  EQUAL(items.one({op::STORE_IF, newer, "a", "4"}).status, status::VERSION_MISMATCH);
}

TEST("items: append and prepend keep flags and expiry, and make the item only when asked to") {
  Items items(START);
  items.store("a", "middle", 60, 5);
  const uint64_t after = items.one({op::STORE, {{9, 1, option::APPEND, 0}, {}, {}}, "a", ">"}).version;
  const Prefix wrong{{0, 0, option::PREPEND | option::IF_CAS, 0}, {after + 1, 0}, {}};
  EQUAL(items.one({op::STORE_IF, wrong, "a", "<"}).status, status::VERSION_MISMATCH);
  const Prefix right{{0, 0, option::PREPEND | option::IF_CAS, 0}, {after, 0}, {}};
  EQUAL(items.one({op::STORE_IF, right, "a", "<"}).status, status::OK);
  const Seen got = items.get("a");
  EQUAL(got.value, std::string("<middle>"));
  EQUAL(got.head.flags, 5u);
  EQUAL(got.head.expiry, START + 60);
  EQUAL(items.one({op::STORE, {{0, 0, option::APPEND, 0}, {}, {}}, "n", "x"}).status,
        status::NOT_FOUND);
  const Prefix vivify{{6, 0, option::APPEND | option::VIVIFY, 30}, {}, {}};
  EQUAL(items.one({op::STORE, vivify, "n", "x"}).status, status::OK);
  EQUAL(items.get("n").head.expiry, START + 30);
  EQUAL(items.get("n").head.flags, 6u);
}

TEST("items: incr wraps, decr stops at zero, and a shorter number is followed by spaces") {
  Items items(START);
  items.store("a", "99", 60, 4);
  Seen seen = items.arith("a", 1);
  EQUAL(seen.number(), 100u);
  EQUAL(items.get("a").value, std::string("100"));
  EQUAL(items.arith("a", 95, option::DECREMENT).number(), 5u);
  seen = items.get("a");
  EQUAL(seen.value, std::string("5  "));
  EQUAL(seen.head.flags, 4u);
  EQUAL(seen.head.expiry, START + 60);
  EQUAL(items.arith("a", 6, option::DECREMENT).number(), 0u);
  items.store("a", "18446744073709551615");
  EQUAL(items.arith("a", 3).number(), 2u);
  EQUAL(items.get("a").value, "2" + std::string(19, ' '));
  EQUAL(items.arith("none", 1).status, status::NOT_FOUND);
  seen = items.arith("a", 1, option::DECREMENT);
  EQUAL(seen.head.cas, seen.version);
  EQUAL(seen.head.cas, items.get("a").head.cas);
}

TEST("items: only what begins with a number that fits is one") {
  Items items(START);
  const struct {
    const char* text;
    bool good;
  } cases[] = {{"7", true},    {" 7", true},  {"7 x", true},  {"+7", true},  {"-0", true},
               {"07", true},   {"", false},   {"x", false},   {"7x", false}, {"-7", false},
               {" ", false},   {"7.", false}, {"--1", false}, {"0x1", false}, {"18446744073709551615", true},
               {"18446744073709551616", false}};
  for (const auto& each : cases) {
    items.store("a", each.text);
    EQUAL(items.arith("a", 0).status, each.good ? status::OK : status::NOT_NUMBER);
    if (!each.good) EQUAL(items.get("a").value, std::string(each.text));
  }
}

TEST("items: arithmetic tells of a time that is over, though the item is gone by it") {
  Items items(START);
  const Prefix made{{0, 0, option::VIVIFY, -1}, {}, {5, 1000}};
  CHECK(items.one({op::ARITH, made, "n", ""}).head.expiry != 0);
  items.store("m", "1");
  const Prefix touched{{0, -1, option::TTL, 0}, {}, {5, 0}};
  CHECK(items.one({op::ARITH, touched, "m", ""}).head.expiry != 0);
}

TEST("items: a number that becomes longer is a new item, one that does not stays as stale as it was") {
  Items items(START);
  for (const bool grows : {false, true}) {
    items.store("n", grows ? "9" : "1");
    EQUAL(items.one({op::DROP, {{0, 30, option::STALE | option::TTL, 0}, {}, {}}, "n", ""}).status, status::OK);
    const Seen seen = items.one({op::ARITH, {{0, 0, 0, 0}, {}, {1, 0}}, "n", ""});
    EQUAL(seen.number(), grows ? 10u : 2u);
    EQUAL(seen.head.state, grows ? 0u : state::STALE);
    EQUAL(seen.head.expiry, START + 30);
  }
}

TEST("items: a fetch that wins always does so of an item without end") {
  Items items(START);
  items.store("a", "1");
  const Prefix soon{{UINT32_MAX - 1, 0, option::META | option::RECACHE, 0}, {}, {}};
  EQUAL(items.one({op::FETCH, soon, "a", ""}).head.state & state::WON, 0u);
  const Prefix always{{wire::RECACHE_ALWAYS, 0, option::META | option::RECACHE, 0}, {}, {}};
  EQUAL(items.one({op::FETCH, always, "a", ""}).head.state & state::WON, state::WON);
}

TEST("items: arithmetic makes the number when asked to, compares cas, and may set a time") {
  Items items(START);
  Prefix prefix{{6, 90, option::VIVIFY | option::TTL, 20}, {}, {5, 1000}};
  Seen seen = items.one({op::ARITH, prefix, "n", ""});
  EQUAL(seen.number(), 1000u);
  EQUAL(seen.head.state, state::CREATED);
  EQUAL(seen.head.expiry, START + 20);
  seen = items.one({op::ARITH, prefix, "n", ""});
  EQUAL(seen.number(), 1005u);
  EQUAL(seen.head.state, 0u);
  EQUAL(seen.head.expiry, START + 90);
  prefix.item.options = option::IF_CAS | option::NEW_CAS;
  prefix.cas = {seen.head.cas + 1, 12345};
  EQUAL(items.one({op::ARITH, prefix, "n", ""}).status, status::VERSION_MISMATCH);
  prefix.cas.ifCas -= 1;
  seen = items.one({op::ARITH, prefix, "n", ""});
  EQUAL(seen.head.cas, 12345u);
  EQUAL(seen.number(), 1010u);
  EQUAL(items.get("n").head.cas, 12345u);
}

TEST("items: touch changes the time and nothing else, gat answers with the value") {
  Items items(START);
  const uint64_t version = items.store("a", "value", 10, 3).version;
  Seen seen = items.fetch("a", option::TTL, 50);
  EQUAL(seen.status, status::OK);
  EQUAL(seen.value, std::string());
  EQUAL(seen.head.cas, version);
  seen = items.fetch("a", option::TTL | option::VALUE, 70);
  EQUAL(seen.value, std::string("value"));
  EQUAL(seen.head.flags, 3u);
  EQUAL(seen.head.expiry, START + 70);
  seen = items.get("a");
  EQUAL(seen.head.cas, version);
  EQUAL(seen.head.expiry, START + 70);
  EQUAL(items.fetch("a", option::TTL | option::VALUE, -1).value, std::string("value"));
  EQUAL(items.get("a").status, status::NOT_FOUND);
  EQUAL(items.fetch("a", option::TTL, 5).status, status::NOT_FOUND);
}

TEST("items: one of those that miss wins the token, the others see that it is sent") {
  Items items(START);
  const Prefix vivify{{0, 0, option::META | option::VIVIFY | option::VALUE, 30}, {}, {}};
  Seen seen = items.one({op::FETCH, vivify, "m", ""});
  EQUAL(seen.head.state, state::WON | state::CREATED);
  EQUAL(seen.head.expiry, START + 30);
  EQUAL(seen.value, std::string());
  seen = items.one({op::FETCH, vivify, "m", ""});
  EQUAL(seen.head.state & (state::WON | state::SENT), state::SENT);
  items.store("m", "made");
  EQUAL(items.get("m").head.state, 0u);
}

TEST("items: who asks for what ends soon wins once") {
  Items items(START);
  items.store("a", "1", 100);
  const Prefix recache{{30, 0, option::META | option::RECACHE, 0}, {}, {}};
  EQUAL(items.one({op::FETCH, recache, "a", ""}).head.state, 0u);
  items.later(71);
  EQUAL(items.one({op::FETCH, recache, "a", ""}).head.state, state::WON | state::FETCHED);
  EQUAL(items.one({op::FETCH, recache, "a", ""}).head.state, state::SENT | state::FETCHED);
}

TEST("items: marked stale, the item is answered and the first to ask wins") {
  Items items(START);
  const uint64_t version = items.store("a", "old", 100, 8).version;
  const Prefix wrong{{0, 0, option::IF_CAS | option::STALE, 0}, {version + 1, 0}, {}};
  EQUAL(items.one({op::DROP, wrong, "a", ""}).status, status::VERSION_MISMATCH);
  const Prefix mark{{0, 40, option::IF_CAS | option::STALE | option::TTL, 0}, {version, 0}, {}};
  const Seen marked = items.one({op::DROP, mark, "a", ""});
  EQUAL(marked.status, status::OK);
  Seen seen = items.get("a");
  EQUAL(seen.value, std::string("old"));
  EQUAL(seen.head.state, state::STALE);
  EQUAL(seen.head.cas, marked.version);
  EQUAL(seen.head.flags, 8u);
  EQUAL(seen.head.expiry, START + 40);
  EQUAL(items.fetch("a", option::META | option::VALUE).head.state, state::STALE | state::WON);
  seen = items.fetch("a", option::META | option::VALUE);
  EQUAL(seen.head.state, state::STALE | state::SENT | state::FETCHED);
  EQUAL(items.one({op::DROP, {}, "a", ""}).status, status::OK);
  EQUAL(items.get("a").status, status::NOT_FOUND);
}

TEST("items: delete compares cas when asked to") {
  Items items(START);
  const uint64_t version = items.store("a", "1").version;
  Prefix prefix{{0, 0, option::IF_CAS, 0}, {version + 1, 0}, {}};
  EQUAL(items.one({op::DROP, prefix, "a", ""}).status, status::VERSION_MISMATCH);
  prefix.cas.ifCas = version;
  EQUAL(items.one({op::DROP, prefix, "a", ""}).status, status::OK);
  EQUAL(items.one({op::DROP, {}, "a", ""}).status, status::NOT_FOUND);
  EQUAL(items.machine().store().items(), 0u);
}

TEST("items: flush_all takes what is older, now or when its time has come") {
  Items items(START);
  items.store("a", "1");
  EQUAL(items.run(items.record().flush(0)).status, status::OK);
  EQUAL(items.get("a").status, status::NOT_FOUND);
  items.store("a", "2");
  items.run(items.record().flush(5));
  items.store("b", "3");
  // A second before it, as in memcached.
  items.later(3);
  EQUAL(items.get("a").status, status::OK);
  EQUAL(items.get("b").status, status::OK);
  items.later(1);
  items.store("c", "4");  // its entry brings the time
  EQUAL(items.get("a").status, status::NOT_FOUND);
  EQUAL(items.get("b").status, status::NOT_FOUND);
  EQUAL(items.get("c").status, status::OK);
  items.run(items.record().flush(1));
  EQUAL(items.get("c").status, status::NOT_FOUND);
}

TEST("items: options that are not there, or not for this operation, are refused at the home") {
  Items items(START);
  const struct {
    uint8_t kind;
    uint32_t options;
  } cases[] = {{op::STORE, 5},         {op::STORE, option::IF_CAS}, {op::STORE, 1u << 16},
               {op::STORE_IF, 6},      {op::FETCH, 1},              {op::DROP, 2},
               {op::ARITH, 2},         {op::FETCH, 1u << 31},       {op::STORE, 1u << 3}};
  for (const auto& each : cases) {
    const Request request = items.record().item(each.kind, {{0, 0, each.options, 0}, {}, {}}, "a", "");
    CHECK(items.taken(request) == machine::Taken::malformed);
  }
  CHECK(items.taken(items.record().plain(op::TICK)) == machine::Taken::malformed);
}

// The client's codec: columns to operations, answers to columns, and nothing else from the network.
#include <cstring>

#include "machine/test/one.h"
#include "test/native/check.h"

using machine::Encoded;
using machine::Encoding;
using machine::OperationColumns;
using machine::ResultColumns;
using namespace wire;

namespace {

struct Results {
  std::vector<uint8_t> statuses = std::vector<uint8_t>(64);
  std::vector<double> versions = std::vector<double>(64);
  std::vector<uint32_t> offsets = std::vector<uint32_t>(64);
  std::vector<uint32_t> bytes = std::vector<uint32_t>(64);
  std::vector<uint8_t> values;
  uint32_t valueEnd = 0;
  explicit Results(size_t valuesBytes) : values(valuesBytes) {}
  ResultColumns columns() {
    return {64,           statuses.data(), versions.data(), offsets.data(),
            bytes.data(), values.data(),   values.size(),   &valueEnd};
  }
};

/** A reply record of given results, each followed by its bytes. */
std::vector<uint8_t> reply(uint64_t session, uint64_t operation, uint16_t count,
                           std::initializer_list<std::pair<Result, std::string>> results) {
  std::vector<uint8_t> bytes(sizeof(ReplyRecord));
  for (const auto& [result, payload] : results) {
    const size_t at = bytes.size();
    bytes.resize(at + sizeof result + padded(static_cast<uint32_t>(payload.size())));
    store(bytes.data() + at, result);
    if (!payload.empty())
      std::memcpy(bytes.data() + at + sizeof result, payload.data(), payload.size());
  }
  store(bytes.data(),
        ReplyRecord{static_cast<uint32_t>(bytes.size()), count, 0, session, operation});
  return bytes;
}

std::string part(uint32_t offset, const std::string& chunk) {
  const Part head{offset, static_cast<uint32_t>(chunk.size())};
  return std::string(reinterpret_cast<const char*>(&head), sizeof head) + chunk;
}

}  // namespace

TEST("codec: what it encodes the machine takes and applies") {
  rig::One one;
  const std::string keys = "aabbcc", values = "11112222";
  const uint8_t kinds[] = {op::SET, op::SET_IF, op::GET, op::SYNC, op::SET};
  const uint32_t valueBytes[] = {4, 2, 0, 0, 2};
  const double versions[] = {0, 99, 0, 0, 0};
  OperationColumns columns;
  columns.count = 5;
  columns.kinds = kinds;
  columns.keys = reinterpret_cast<const uint8_t*>(keys.data());
  columns.keysBytes = keys.size();
  columns.keyBytesOfAll = 2;
  columns.values = reinterpret_cast<const uint8_t*>(values.data());
  columns.valuesBytes = values.size();
  columns.valueBytes = valueBytes;
  columns.versions = versions;
  uint8_t out[512];
  Encoding encoding;
  CHECK(machine::encode(columns, 0, encoding, out, 34) == Encoded::ok);
  EQUAL(encoding.operations, 2u);
  EQUAL(encoding.keyCursor, 4u);
  EQUAL(encoding.valueCursor, 6u);
  Encoding rest{0, 0, 0, encoding.keyCursor, encoding.valueCursor};
  // The last SET would need a fourth key.
  CHECK(machine::encode(columns, 2, rest, out + encoding.bytes, 400) == Encoded::contradiction);
  columns.count = 4;
  rest = {0, 0, 0, encoding.keyCursor, encoding.valueCursor};
  CHECK(machine::encode(columns, 2, rest, out + encoding.bytes, 400) == Encoded::ok);
  EQUAL(rest.operations, 2u);
  EQUAL(rest.writes, 1u);
  const uint32_t bytes = encoding.bytes + rest.bytes;
  rig::Bytes datagram(OVERHEAD_BYTES + sizeof(Record) + bytes);
  Header header{};
  header.length = static_cast<uint32_t>(datagram.size());
  store(datagram.data(), header);
  store(datagram.data() + BODY_OFFSET, Record{static_cast<uint32_t>(sizeof(Record)) + bytes, 4,
                                              ORIGIN_CLIENT, 0, one.session, 1, 1, 3, 0});
  std::memcpy(datagram.data() + BODY_OFFSET + sizeof(Record), out, bytes);
  CHECK(one.rig.requestBytes(datagram, 0) == machine::Taken::ok);
  one.rig.turn(one.log);
  const auto answers = one.rig.answers();
  EQUAL(answers.size(), 4u);
  EQUAL(answers[1].status, status::NOT_FOUND);
  EQUAL(answers[2].status, status::NOT_FOUND);
}

TEST("codec: prefixes come from a column of their own, also when the operation goes in fragments") {
  rig::One one;
  const std::string keys = "aabb", value(3000, 'v');
  const uint8_t kinds[] = {op::ARITH, op::STORE};
  const uint32_t valueBytes[] = {0, 3000};
  const rig::Prefix prefixes[] = {{{5, 0, option::VIVIFY, 0}, {}, {1, 30}}, {{9, 0, 0, 0}, {}, {}}};
  OperationColumns columns;
  columns.count = 2;
  columns.kinds = kinds;
  columns.keys = reinterpret_cast<const uint8_t*>(keys.data());
  columns.keysBytes = keys.size();
  columns.keyBytesOfAll = 2;
  columns.values = reinterpret_cast<const uint8_t*>(value.data());
  columns.valuesBytes = value.size();
  columns.valueBytes = valueBytes;
  Encoding encoding;
  std::vector<uint8_t> out(1000);
  EQUAL(machine::encode(columns, 0, encoding, out.data(), 1000) == Encoded::contradiction, true);
  columns.prefixes = reinterpret_cast<const uint8_t*>(prefixes);
  EQUAL(machine::encode(columns, 0, encoding, out.data(), 1000) == Encoded::ok, true);
  EQUAL(encoding.operations, 1u);
  EQUAL(encoding.bytes, 4u + machine::PREFIX_BYTES_MAX + 4u);
  std::vector<uint8_t> wide;
  for (uint32_t done = 0, total = 1; done < total;) {
    CHECK(machine::encodeFragment(columns, 1, done, total, encoding, out.data(), 1000) == Encoded::ok);
    const auto head = load<Operation>(out.data());
    const uint8_t* const chunk = out.data() + sizeof head + sizeof(Fragment);
    wide.insert(wide.end(), chunk, chunk + head.valueBytes);
  }
  EQUAL(encoding.keyCursor, keys.size());
  const std::string expected = rig::wideItemOf(op::STORE, prefixes[1], "bb", value);
  CHECK(std::string(wide.begin(), wide.end()) == expected);
}

TEST("codec: columns that contradict themselves are refused") {
  const uint8_t bytes[300] = {};
  uint8_t out[512];
  OperationColumns columns;
  columns.count = 1;
  columns.kindOfAll = op::SET;
  columns.keys = columns.values = bytes;
  columns.keysBytes = columns.valuesBytes = 300;
  const auto encodes = [&] {
    Encoding encoding;
    return machine::encode(columns, 0, encoding, out, sizeof out) == Encoded::ok;
  };
  columns.keyBytesOfAll = 8;
  columns.valueBytesOfAll = 32;
  CHECK(encodes());
  for (const uint8_t kind : {uint8_t{0}, op::FRAGMENT, uint8_t{200}, op::SET_IF}) {
    columns.kindOfAll = kind;
    CHECK(!encodes());
  }
  columns.kindOfAll = op::SET;
  for (const uint32_t keyBytes : {0u, 251u, 4000000000u}) {
    columns.keyBytesOfAll = keyBytes;
    CHECK(!encodes());
  }
  columns.keyBytesOfAll = 8;
  for (const uint32_t valueBytes : {301u, 2000000u, 4294967295u}) {
    columns.valueBytesOfAll = valueBytes;
    CHECK(!encodes());
  }
}

TEST("codec: a run of OK counts versions up, a run of anything else does not") {
  machine::Decoder decoder;
  Results results(0);
  const auto bytes =
      reply(5, 9, 5,
            {{{tag::RUN, status::OK, 0, 3, 70}, ""}, {{tag::RUN, status::EXISTS, 0, 2, 50}, ""}});
  EQUAL(decoder.decode(bytes.data(), bytes.size(), results.columns(), 1), 5);
  const double versions[] = {70, 71, 72, 50, 50};
  for (size_t i = 0; i < 5; ++i) EQUAL(results.versions[1 + i], versions[i]);
  EQUAL(results.statuses[4], status::EXISTS);
}

TEST("codec: values without room change nothing, parts wait for the last") {
  machine::Decoder decoder;
  Results results(12);
  const auto value = reply(5, 1, 1, {{{tag::VALUE, 0, 0, 13, 7}, std::string(13, 'x')}});
  EQUAL(decoder.decode(value.data(), value.size(), results.columns(), 0), machine::DECODE_NO_ROOM);
  EQUAL(results.valueEnd, 0u);
  const auto first = reply(5, 1, 0, {{{tag::PART, 0, 0, 10, 7}, part(0, "abcd")}});
  const auto second = reply(5, 1, 0, {{{tag::PART, 0, 0, 10, 7}, part(4, "efgh")}});
  const auto last = reply(5, 1, 1, {{{tag::PART, 0, 0, 10, 7}, part(8, "ij")}});
  EQUAL(decoder.decode(last.data(), last.size(), results.columns(), 0), machine::DECODE_MALFORMED);
  EQUAL(decoder.decode(first.data(), first.size(), results.columns(), 0), 0);
  EQUAL(decoder.decode(last.data(), last.size(), results.columns(), 0), machine::DECODE_MALFORMED);
  EQUAL(decoder.decode(second.data(), second.size(), results.columns(), 0), 0);
  EQUAL(decoder.decode(last.data(), last.size(), results.columns(), 3), 1);
  CHECK(std::memcmp(results.values.data(), "abcdefghij", 10) == 0);
  EQUAL(results.bytes[3], 10u);
  EQUAL(results.offsets[3], 0u);
}

TEST("codec: a value goes on only at a record's start and is unfinished only at its end") {
  machine::Decoder decoder;
  Results results(64);
  const Result head{tag::PART, 0, 0, 8, 7};
  const Result one{tag::STATUS, 1, 0, 0, 7};
  const auto decode = [&](const std::vector<uint8_t>& bytes) {
    return decoder.decode(bytes.data(), bytes.size(), results.columns(), 0);
  };
  EQUAL(decode(reply(5, 1, 1, {{head, part(0, "abcd")}, {one, ""}})), machine::DECODE_MALFORMED);
  EQUAL(decode(reply(5, 1, 0, {{head, part(0, "abcd")}, {head, part(4, "ef")}})),
        machine::DECODE_MALFORMED);
  EQUAL(decode(reply(5, 1, 1, {{one, ""}, {head, part(0, "abcd")}})), 1);
  EQUAL(decode(reply(5, 2, 2, {{head, part(4, "efgh")}, {head, part(4, "efgh")}})),
        machine::DECODE_MALFORMED);
  EQUAL(decode(reply(5, 1, 2, {{one, ""}, {head, part(4, "efgh")}})), machine::DECODE_MALFORMED);
  EQUAL(decode(reply(5, 2, 2, {{head, part(4, "efgh")}, {one, ""}})), 2);
  CHECK(std::memcmp(results.values.data(), "abcdefgh", 8) == 0);
}

TEST("codec: a million mutated replies break nothing") {
  machine::Decoder decoder;
  Results results(4096);
  rig::Random random{4711};
  const auto below = [&](uint64_t bound) { return random.below(bound); };
  uint32_t decoded = 0;
  for (int i = 0; i < 1000000; ++i) {
    std::vector<uint8_t> bytes;
    const uint32_t at = static_cast<uint32_t>(below(3)) * 4;
    switch (below(3)) {
      case 0:
        bytes = reply(1 + below(3), 1, 3,
                      {{{tag::RUN, 0, 0, 2, 5}, ""}, {{tag::VALUE, 0, 0, 6, 7}, "abcdef"}});
        break;
      case 1:
        bytes = reply(1 + below(3), 1, at == 8, {{{tag::PART, 0, 0, 12, 7}, part(at, "abcd")}});
        break;
      default:
        bytes =
            reply(1 + below(3), 1, 2,
                  {{{tag::PART, 0, 0, 12, 7}, part(8, "abcd")}, {{tag::STATUS, 1, 0, 0, 7}, ""}});
    }
    for (uint64_t k = below(3); k > 0; --k) {
      bytes[below(bytes.size())] = static_cast<uint8_t>(below(2) == 0 ? below(256) : below(5));
    }
    uint32_t rows[60];
    machine::listRecords(bytes.data(), 0, static_cast<uint32_t>(bytes.size()), rows, 10);
    const int32_t count = decoder.decode(bytes.data(), bytes.size(), results.columns(), below(64));
    decoded += count > 0;
    if (count == machine::DECODE_NO_ROOM) results.valueEnd = 0;
  }
  CHECK(decoded > 10000);
}

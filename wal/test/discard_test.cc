/** Going on after damage. */
#include "fixture.h"

namespace wal::test {
namespace {

constexpr uint64_t A_SEGMENT = 16;  // entries of 8000 bytes

std::string log60(const Folder& folder) {
  Counters counters;
  Opened opened(settingsOf(folder, counters));
  CHECK(appendRange(*opened.log, 1, 60, 8000, false));
  return "";
}

/** Discards, goes on from `last` and reads all of it again. */
void goesOn(const Folder& folder, uint64_t last) {
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  {
    Opened opened(settings);
    CHECK(opened.replayed == entries(1, last) + "damage");
    CHECK(opened.log->discardAfterDamage());
    CHECK(replayAll(*opened.log) == "end");
    CHECK(opened.log->error().empty());
    CHECK(appendRange(*opened.log, last + 1, last + 50, 8000, false));
  }
  CHECK(Opened(settings).replayed == entries(1, last + 50) + "end");
}

void inARecord() {
  Folder folder;
  log60(folder);
  const std::string before = readFile(folder.file(segment(2)));
  flipBit(folder.file(segment(2)), offsetOf(3, 8000) + 500);
  const std::string damaged = readFile(folder.file(segment(2)));
  goesOn(folder, A_SEGMENT + 3);
  CHECK(readFile(folder.file(segment(2) + ".damaged")) == damaged && damaged != before);
  CHECK(folder.has(segment(3) + ".damaged") && folder.has(segment(4) + ".damaged"));
  CHECK(!folder.has(segment(1) + ".damaged"));
}

void inAHeader() {
  Folder folder;
  log60(folder);
  flipBit(folder.file(segment(3)), 9);
  goesOn(folder, 2 * A_SEGMENT);
  CHECK(folder.has(segment(3) + ".damaged") && !folder.has(segment(2) + ".damaged"));
}

void inTheFirst() {
  Folder folder;
  log60(folder);
  flipBit(folder.file(segment(1)), 9);
  goesOn(folder, 0);
  CHECK(folder.has(segment(1) + ".damaged") && folder.has(segment(4) + ".damaged"));
}

void ofAMissingOne() {
  Folder folder;
  log60(folder);
  unlink(folder.file(segment(2)).c_str());
  goesOn(folder, A_SEGMENT);
}

void twice() {
  Folder folder;
  for (int round = 0; round < 2; ++round) {
    Counters counters;
    Opened opened(settingsOf(folder, counters));
    if (!opened.replayed.ends_with("end")) {
      CHECK(opened.log->discardAfterDamage() && replayAll(*opened.log) == "end");
    }
    CHECK(appendRange(*opened.log, 1, 3, 100, true));
    opened.log.reset();
    flipBit(folder.file(segment(1)), offsetOf(0, 100) + 9);
  }
  Counters counters;
  Opened opened(settingsOf(folder, counters));
  CHECK(opened.log->discardAfterDamage());
  CHECK(folder.has(segment(1) + ".damaged") && folder.has(segment(1) + ".damaged.2"));
}

}  // namespace

void discardTests() {
  run("discard: damage in a record", inARecord);
  run("discard: damage in a segment's header", inAHeader);
  run("discard: damage in the first header", inTheFirst);
  run("discard: a segment that is missing", ofAMissingOne);
  run("discard: what was set aside before stays", twice);
}

}  // namespace wal::test

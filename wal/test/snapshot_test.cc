/** Snapshots: written, read, kept, set aside. */
#include "fixture.h"

namespace wal::test {
namespace {

bool isFinished(Log& log) {
  return eventually([&] { return log.snapshotState() != snapshot_state::WRITING; }) &&
         log.snapshotState() == snapshot_state::FINISHED;
}

bool write(Log& log, uint64_t counter, uint32_t parts, uint32_t bytes) {
  log.snapshotBegin({counter, 3});
  for (uint32_t i = 0; i < parts; ++i) {
    const std::string part = payloadOf(i, bytes + i % 8);
    const auto* const from = reinterpret_cast<const uint8_t*>(part.data());
    if (!eventually([&] { return log.snapshotPart(from, bytes + i % 8); })) return false;
  }
  log.snapshotFinish();
  return isFinished(log);
}

/** Parts of the newest that is good, or -1. */
int64_t readBack(Log& log, uint32_t bytes) {
  if (!log.snapshotOpen()) return -1;
  std::string part(bytes + 8, '\0');
  for (uint32_t i = 0;; ++i) {
    const int64_t got =
        log.snapshot().read(reinterpret_cast<uint8_t*>(part.data()), part.size());
    if (got == 0) return i;
    if (got != bytes + i % 8 || part.substr(0, static_cast<size_t>(got)) !=
                                    payloadOf(i, static_cast<uint32_t>(got)))
      return -2;
  }
}

void roundTrip() {
  Folder folder;
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  {
    Opened opened(settings);
    CHECK(!opened.log->snapshotOpen());
    CHECK(write(*opened.log, 77, 300, 1000));
    CHECK(readBack(*opened.log, 1000) == 300);
    CHECK(opened.log->snapshot().header().counter == 77);
    CHECK(opened.log->snapshotOpen());
    CHECK(opened.log->snapshot().read(nullptr, 999) == SnapshotReader::NO_ROOM);
  }
  Opened opened(settings);
  CHECK(readBack(*opened.log, 1000) == 300);
  CHECK(counters[Counter::snapshots] == 1);
}

void unfinishedIsNone() {
  Folder folder;
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  Opened opened(settings);
  Log& log = *opened.log;
  const std::string part = payloadOf(1, 100);
  const auto* const from = reinterpret_cast<const uint8_t*>(part.data());
  log.snapshotBegin({5, 1});
  CHECK(log.snapshotPart(from, 100));
  const std::string name = snapshotName({5, 1});
  CHECK(eventually([&] { return folder.has(name + ".part"); }));
  CHECK(log.snapshotState() == snapshot_state::WRITING && !log.snapshotOpen());
  log.snapshotAbandon();
  CHECK(eventually([&] { return !folder.has(name + ".part"); }));
  CHECK(log.snapshotState() == snapshot_state::NONE && !log.snapshotPart(from, 100));
  CHECK(write(log, 6, 3, 10) && readBack(log, 10) == 3);
  log.snapshotBegin({7, 1});
  CHECK(log.snapshotPart(from, 100));
  CHECK(eventually([&] { return folder.has(snapshotName({7, 1}) + ".part"); }));
  opened.log.reset();
  CHECK(!folder.has(snapshotName({7, 1}) + ".part"));
}

void twoAreKept() {
  Folder folder;
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  {
    Opened opened(settings);
    CHECK(appendRange(*opened.log, 1, 64, 8000, false));  // 16 a segment
    CHECK(write(*opened.log, 40, 1, 10));
    CHECK(folder.has(segment(1)));  // the only snapshot is not relied on alone
    CHECK(write(*opened.log, 50, 1, 10));
    CHECK(!folder.has(segment(1)) && !folder.has(segment(2)) && folder.has(segment(3)));
    CHECK(write(*opened.log, 60, 1, 10));
    CHECK(!folder.has(snapshotName({40, 3})) && folder.has(snapshotName({50, 3})));
    CHECK(!folder.has(segment(3)) && folder.has(segment(4)));
    CHECK(counters[Counter::segmentsDeleted] == 3);
  }
  Opened opened(settings);
  CHECK(opened.replayed == entries(49, 64) + "end");
  CHECK(opened.log->snapshotOpen() && opened.log->snapshot().header().counter == 60);
}

void damagedFallsBack() {
  Folder folder;
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  {
    Opened opened(settings);
    CHECK(write(*opened.log, 1, 4, 100) && write(*opened.log, 2, 6, 100));
  }
  const std::string newest = folder.file(snapshotName({2, 3}));
  const std::string whole = readFile(newest);
  for (uint64_t at = 0; at < whole.size(); at += 7) {
    Opened opened(settings);
    flipBit(newest, at);
    CHECK(readBack(*opened.log, 100) == 4);
    CHECK(opened.log->error().find(newest + " is damaged at byte ") == 0);
    CHECK(exists(newest + ".damaged"));
    unlink((newest + ".damaged").c_str());
    writeFile(newest, whole);
  }
  writeFile(newest, whole.substr(0, whole.size() - sizeof(PartHeader)));
  Opened opened(settings);
  CHECK(readBack(*opened.log, 100) == 4);
}

void firstSegmentNeedsOne() {
  Folder folder;
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  {
    Opened opened(settings);
    CHECK(appendRange(*opened.log, 1, 64, 8000, false));
    CHECK(write(*opened.log, 40, 1, 10) && write(*opened.log, 50, 1, 10));
  }
  for (const uint64_t counter : {40, 50}) unlink(folder.file(snapshotName({counter, 3})).c_str());
  CHECK(Opened(settings).replayed == "damage");
}

}  // namespace

void snapshotTests() {
  run("snapshot: what was written is read, part by part", roundTrip);
  run("snapshot: an unfinished one is none", unfinishedIsNone);
  run("snapshot: two are kept, with the segments of the older", twoAreKept);
  run("snapshot: a damaged one is set aside for the one before", damagedFallsBack);
  run("snapshot: a log that begins late without a snapshot is damaged", firstSegmentNeedsOne);
}

}  // namespace wal::test

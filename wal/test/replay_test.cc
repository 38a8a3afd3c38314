/** What was appended comes back, over segments and lives; and whose directory it is. */
#include "fixture.h"

namespace wal::test {
namespace {

void roundTrip() {
  Folder folder;
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  {
    Opened first(settings);
    CHECK(first.replayed == "end");
    CHECK(first.log->append(plain(kind::EPOCHS, 0, 1, 2), nullptr));
    CHECK(appendEntry(*first.log, 1, 100));
    CHECK(appendEntry(*first.log, 2, 0));
    CHECK(appendEntry(*first.log, 3, PAYLOAD_BYTES_MAX));
    CHECK(first.log->append(plain(kind::TRUNCATE, 2, 0, 0), nullptr));
    CHECK(first.log->append(plain(kind::BASE, 9, 7, 0), nullptr));
    CHECK(settle(*first.log) && first.log->appended() == 6);
  }
  Opened second(settings);
  CHECK(second.replayed == "p2/1 e1 e2 e3 t2 b9/7 end");
  CHECK(second.log->replay().position().lastCounter == 9);
  CHECK(second.log->replay().position().accepted == 2);
  CHECK(counters[Counter::replayed] == 6 && counters[Counter::cutBytes] == 0);
}

void fieldsComeBack() {
  Folder folder;
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  constexpr uint64_t COUNTER = (uint64_t{1} << 53) - 2;
  {
    Opened first(settings);
    appendEntry(*first.log, COUNTER, 33);
  }
  Failure failure;
  const auto log = Log::open(settings, failure);
  Record record;
  CHECK(log->replayNext(32, record) == kind::NO_ROOM);
  CHECK(log->replayNext(33, record) == kind::ENTRY);
  const RecordHeader& header = record.header;
  CHECK(header.counter == COUNTER && header.count == 1 && header.epoch == 3);
  CHECK(header.previous == 2 && header.time == 1'000'000 + COUNTER);
  CHECK(header.committed == COUNTER - 1 && header.payloadBytes == 33 && header.ordinal == 1);
}

void manySegmentsAndLives() {
  Folder folder;
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  std::string wanted;
  for (uint64_t life = 0; life < 5; ++life) {
    Opened opened(settings);
    CHECK(opened.replayed == wanted + "end");
    CHECK(appendRange(*opened.log, life * 40 + 1, life * 40 + 40, 8000, false));
    wanted += entries(life * 40 + 1, life * 40 + 40);
  }
  CHECK(folder.has(segment(10)) && !folder.has(segment(20)));
  Opened last(settings);
  CHECK(last.replayed == wanted + "end" && last.log->replay().position().ordinal == 200);
}

void epochsOutliveTheirRecord() {
  Folder folder;
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  {
    Opened opened(settings);
    opened.log->append(plain(kind::EPOCHS, 0, 4, 5), nullptr);
    CHECK(appendRange(*opened.log, 1, 40, 8000, false));
    for (const uint64_t counter : {20, 30}) {
      opened.log->snapshotBegin({counter, 4});
      opened.log->snapshotFinish();
      CHECK(eventually([&] { return opened.log->snapshotState() == snapshot_state::FINISHED; }));
    }
  }
  CHECK(!folder.has(segment(1)) && folder.has(segment(2)));
  Opened opened(settings);
  CHECK(opened.log->replay().position().current == 4);
  CHECK(opened.log->replay().position().accepted == 5);
}

void othersAreRefused() {
  Folder folder;
  Counters counters;
  Settings settings = settingsOf(folder, counters);
  Opened owner(settings);
  Opened beside(settings);
  CHECK(beside.log == nullptr && std::string("DATA_DIR_IN_USE") == beside.failure.code);
  owner.log.reset();
  settings.identity.replica = 2;
  CHECK(std::string("WRONG_DATA_DIR") == Opened(settings).failure.code);
  settings.identity = {"another", 1};
  const Opened another(settings);
  CHECK(std::string("WRONG_DATA_DIR") == another.failure.code);
  CHECK(another.failure.sentence.find("replica 1 of cluster test") != std::string::npos);
  settings.identity = {"test", 1};
  CHECK(Opened(settings).log != nullptr);
  flipBit(folder.file("META"), 40);
  CHECK(std::string("WRONG_DATA_DIR") == Opened(settings).failure.code);
  settings.directory = folder.file("absent");
  CHECK(std::string("DATA_DIR") == Opened(settings).failure.code);
}

void metaIsMissed() {
  Folder folder;
  Counters counters;
  const Settings settings = settingsOf(folder, counters);
  {
    Opened opened(settings);
    CHECK(appendRange(*opened.log, 1, 1, 10, false));
  }
  unlink(folder.file("META").c_str());
  CHECK(std::string("WRONG_DATA_DIR") == Opened(settings).failure.code);
}

void leftoversGo() {
  Folder folder;
  Counters counters;
  writeFile(folder.file("log-next.part"), "x");
  writeFile(folder.file("snapshot-0000000000000001-1.part"), "x");
  writeFile(folder.file("mine.part"), "x");
  Failure failure;
  const auto log = Log::open(settingsOf(folder, counters), failure);
  CHECK(!folder.has("log-next.part") && !folder.has("snapshot-0000000000000001-1.part"));
  CHECK(folder.has("mine.part"));
}

}  // namespace

void replayTests() {
  run("replay: every kind of record comes back", roundTrip);
  run("replay: every field comes back, and no room takes nothing", fieldsComeBack);
  run("replay: many segments, many lives", manySegmentsAndLives);
  run("replay: epochs outlive the segment of their record", epochsOutliveTheirRecord);
  run("directory: two processes, another replica, another cluster are refused", othersAreRefused);
  run("directory: a log without META is refused", metaIsMissed);
  run("directory: what was left unfinished goes, what is not ours stays", leftoversGo);
}

}  // namespace wal::test

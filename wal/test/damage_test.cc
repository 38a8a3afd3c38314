/** Torn ends are cut, and damage is damage: at every byte. */
#include "fixture.h"

namespace wal::test {
namespace {

constexpr uint32_t BYTES = 100;  // padded to 104
constexpr uint64_t COUNT = 4;

/** A log of COUNT entries in one segment, closed; the segment's bytes. */
std::string made(const Folder& folder, bool apart) {
  Counters counters;
  Opened opened(settingsOf(folder, counters));
  CHECK(appendRange(*opened.log, 1, COUNT, BYTES, apart));
  opened.log.reset();
  return readFile(folder.file(segment(1)));
}

void zero(std::string& text, uint64_t from, uint64_t to) {
  std::fill(text.begin() + static_cast<int64_t>(from), text.begin() + static_cast<int64_t>(to), 0);
}

void tornAtEveryByte() {
  Folder folder;
  const std::string whole = made(folder, true);
  const uint64_t last = offsetOf(COUNT - 1, BYTES), end = offsetOf(COUNT, BYTES);
  for (const bool zeros : {false, true}) {
    for (uint64_t cut = last; cut < end - 4; ++cut) {  // the padding is zeros anyway
      std::string text = whole;
      if (zeros) zero(text, cut, text.size());
      writeFile(folder.file(segment(1)), zeros ? text : text.substr(0, cut));
      Counters counters;
      Opened opened(settingsOf(folder, counters));
      CHECK(opened.replayed == entries(1, COUNT - 1) + "end");
      // What is left of it may end in bytes that are zero by themselves.
      CHECK(counters[Counter::cutBytes] <= static_cast<double>(cut - last));
      CHECK(cut < last + 8 || counters[Counter::cutBytes] > static_cast<double>(cut - last) - 9);
      CHECK(appendRange(*opened.log, COUNT, COUNT, BYTES, false));
      opened.log.reset();
      CHECK(Opened(settingsOf(folder, counters)).replayed == entries(1, COUNT) + "end");
    }
  }
}

void flippedAtEveryByte() {
  for (const bool apart : {true, false}) {
    Folder folder;
    const std::string whole = made(folder, apart);
    const uint64_t first = offsetOf(1, BYTES), end = offsetOf(2, BYTES);
    for (uint64_t at = first; at < end; ++at) {
      writeFile(folder.file(segment(1)), whole);
      flipBit(folder.file(segment(1)), at);
      Counters counters;
      Opened opened(settingsOf(folder, counters));
      CHECK(opened.replayed == entries(1, 1) + "damage");
      const std::string said = opened.log->error();
      CHECK(said.find(folder.file(segment(1)) + " is damaged at byte " + std::to_string(first)) == 0);
    }
  }
}

void flippedAtTheEnd() {
  // Nothing behind the last record says that it was durable: it is cut, and counted.
  Folder folder;
  made(folder, true);
  flipBit(folder.file(segment(1)), offsetOf(COUNT - 1, BYTES) + 90);
  Counters counters;
  CHECK(Opened(settingsOf(folder, counters)).replayed == entries(1, COUNT - 1) + "end");
  CHECK(counters[Counter::cutBytes] > 0);
}

/** A record of 2000 bytes contains whole sectors: one that was never written is a hole. */
void holeInTheLastGroup() {
  for (const bool apart : {false, true}) {
    Folder folder;
    Counters counters;
    {
      Opened opened(settingsOf(folder, counters));
      CHECK(appendRange(*opened.log, 1, 1, 2000, true));
      CHECK(appendRange(*opened.log, 2, 5, 2000, apart));
    }
    std::string text = readFile(folder.file(segment(1)));
    zero(text, offsetOf(2, 2000) / 512 * 512 + 512, offsetOf(2, 2000) / 512 * 512 + 1024);
    writeFile(folder.file(segment(1)), text);
    // In one group it is what a crash leaves; in groups of their own 4 was written knowing 3.
    const std::string wanted = entries(1, 2) + (apart ? "damage" : "end");
    Opened opened(settingsOf(folder, counters));
    CHECK(opened.replayed == wanted);
    if (apart) continue;
    CHECK(counters[Counter::cutBytes] > 3 * 2000);
    // What was cut does not come back, nor does it look like damage behind what follows.
    CHECK(appendRange(*opened.log, 3, 3, 50, false));
    opened.log.reset();
    Counters after;
    CHECK(Opened(settingsOf(folder, after)).replayed == entries(1, 3) + "end");
    CHECK(after[Counter::cutBytes] == 0);
  }
}

void missingInTheMiddle() {
  Folder folder;
  made(folder, true);
  std::string text = readFile(folder.file(segment(1)));
  const uint64_t bytes = recordBytes(BYTES);
  text.erase(offsetOf(1, BYTES), bytes);  // all that is left is good by itself
  writeFile(folder.file(segment(1)), text);
  Counters counters;
  CHECK(Opened(settingsOf(folder, counters)).replayed == entries(1, 1) + "damage");
}

void ofAnotherLog() {
  // Good by itself and of the right number, and yet not what followed.
  Folder folder, other;
  const std::string here = made(folder, true);
  {
    Counters counters;
    Opened opened(settingsOf(other, counters));
    CHECK(appendRange(*opened.log, 11, 10 + COUNT, BYTES, true));
  }
  const std::string there = readFile(other.file(segment(1)));
  const uint64_t at = offsetOf(1, BYTES), bytes = recordBytes(BYTES);
  std::string text = here;
  text.replace(at, bytes, there.substr(at, bytes));
  writeFile(folder.file(segment(1)), text);
  Counters counters;
  CHECK(Opened(settingsOf(folder, counters)).replayed == entries(1, 1) + "damage");
  // A whole segment of another replica's.
  writeFile(folder.file(segment(1)), here);
  SegmentHeader header;
  std::memcpy(&header, here.data(), sizeof header);
  header.replica = 2;
  header.checksum = headerChecksum(header);
  text = here;
  std::memcpy(text.data(), &header, sizeof header);
  writeFile(folder.file(segment(1)), text);
  Opened opened(settingsOf(folder, counters));
  CHECK(opened.replayed == "damage");
  CHECK(opened.log->error().find("another cluster or replica") != std::string::npos);
}

struct Long {
  Folder folder;
  Counters counters;

  Long() {
    Opened opened(settingsOf(folder, counters));
    CHECK(appendRange(*opened.log, 1, 60, 8000, false));  // 16 a segment
  }
  std::string replayed() { return Opened(settingsOf(folder, counters)).replayed; }
};

void segmentsDamaged() {
  {
    Long log;
    unlink(log.folder.file(segment(2)).c_str());
    CHECK(log.replayed() == entries(1, 16) + "damage");
    Opened opened(settingsOf(log.folder, log.counters));
    CHECK(opened.log->error().find(segment(2) + " is damaged at byte 0") != std::string::npos);
  }
  {
    Long log;
    unlink(log.folder.file(segment(1)).c_str());
    CHECK(log.replayed() == "damage");
  }
  {
    Long log;
    flipBit(log.folder.file(segment(2)), 20);
    CHECK(log.replayed().ends_with("damage"));
  }
  {
    Long log;
    std::string text = readFile(log.folder.file(segment(2)));
    writeFile(log.folder.file(segment(2)), text.substr(0, text.size() - 100));
    CHECK(log.replayed().ends_with("damage"));
  }
  {
    Long log;
    writeFile(log.folder.file(segment(2)), readFile(log.folder.file(segment(3))));
    CHECK(log.replayed().ends_with("damage"));
  }
}

void listedLate() {
  // As a directory looks that is read while segments are made: some in the middle are missed.
  Long log;
  Listing listing;
  Failure failure;
  CHECK(listDirectory(log.folder.path, listing, failure) && listing.segments.size() == 4);
  listing.segments = {1, 4};
  Replay replay(log.folder.path, {"test", 1}, listing);
  Record record;
  uint64_t records = 0;
  while (replay.next(PAYLOAD_BYTES_MAX, record) == kind::ENTRY) ++records;
  CHECK(records == 60 && replay.problem().empty());
}

void truncationNotDurable() {
  // The end of a finished segment, cut off by a call that a crash undid: zeros, and the next follows.
  Long log;
  const std::string text = readFile(log.folder.file(segment(2)));
  writeFile(log.folder.file(segment(2)), text + std::string(5000, '\0'));
  CHECK(log.replayed() == entries(1, 60) + "end");
}

}  // namespace

void damageTests() {
  run("torn: the last record cut at every byte", tornAtEveryByte);
  run("damage: a bit flipped at every byte of a record in the middle", flippedAtEveryByte);
  run("torn: a bit flipped in the last record", flippedAtTheEnd);
  run("torn or damage: a sector that was never written", holeInTheLastGroup);
  run("damage: a record is missing and the rest is good", missingInTheMiddle);
  run("damage: a record and a segment of another log", ofAnotherLog);
  run("damage: segments missing, cut, changed for another", segmentsDamaged);
  run("replay: segments that were missed when the directory was read", listedLate);
  run("replay: a finished segment that is longer than its records", truncationNotDurable);
}

}  // namespace wal::test

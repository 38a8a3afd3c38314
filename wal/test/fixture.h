/** What the tests share: a directory of their own, records that tell whether they are whole. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../log.h"
#include "test/native/check.h"

namespace wal::test {

using native_test::run;

void replayTests();
void damageTests();
void discardTests();
void writerTests();
void snapshotTests();

/** A folder that is gone with the test. */
struct Folder {
  std::string path;

  Folder() {
    char name[] = "/tmp/zabkv-wal-XXXXXX";
    path = mkdtemp(name) == nullptr ? "" : name;
  }
  ~Folder() {
    for (const std::string& name : names()) unlink(file(name).c_str());
    rmdir(path.c_str());
  }
  std::string file(const std::string& name) const { return path + "/" + name; }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    DIR* const directory = opendir(path.c_str());
    for (const dirent* each = readdir(directory); each != nullptr; each = readdir(directory)) {
      if (each->d_name[0] != '.') found.push_back(each->d_name);
    }
    closedir(directory);
    return found;
  }
  bool has(const std::string& name) const { return exists(file(name)); }
};

inline std::string readFile(const std::string& path) {
  const File file = File::open(path, O_RDONLY);
  std::string text(file.bytes(), '\0');
  readAt(file.descriptor(), text.data(), text.size(), 0);
  return text;
}

inline void writeFile(const std::string& path, const std::string& text) {
  const File file = File::open(path, O_WRONLY | O_CREAT | O_TRUNC);
  Disk disk;
  uint64_t done = 0;
  writeAt(disk, file.descriptor(), reinterpret_cast<const uint8_t*>(text.data()), text.size(), 0,
          done);
}

inline void flipBit(const std::string& path, uint64_t offset) {
  std::string text = readFile(path);
  text.at(offset) = static_cast<char>(text.at(offset) ^ 0x10);
  writeFile(path, text);
}

struct Counters {
  double values[COUNTERS] = {};
  double operator[](Counter counter) { return Counts(values).get(counter); }
};

inline Settings settingsOf(const Folder& folder, Counters& counters) {
  Settings settings;
  settings.directory = folder.path;
  settings.identity = {"test", 1};
  settings.bufferBytes = 1 << 20;
  settings.segmentBytes = SEGMENT_BYTES_MIN;
  settings.snapshotBufferBytes = 64 << 10;
  settings.counters = counters.values;
  return settings;
}

/** A payload that depends on its number in every byte. */
inline std::string payloadOf(uint64_t number, uint32_t bytes) {
  std::string payload(bytes, '\0');
  uint64_t state = number * 0x9e3779b97f4a7c15 + 1;
  for (char& each : payload) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    each = static_cast<char>(state >> 32 | 1);  // never zero
  }
  return payload;
}

inline RecordHeader entryOf(uint64_t counter, uint32_t bytes) {
  RecordHeader header{};
  header.kind = kind::ENTRY;
  header.counter = counter;
  header.count = 1;
  header.epoch = 3;
  header.previous = 2;
  header.time = 1'000'000 + counter;
  header.committed = counter - 1;
  header.payloadBytes = bytes;
  return header;
}

inline bool appendEntry(Log& log, uint64_t counter, uint32_t bytes) {
  const std::string payload = payloadOf(counter, bytes);
  return log.append(entryOf(counter, bytes), reinterpret_cast<const uint8_t*>(payload.data()));
}

inline RecordHeader plain(uint16_t kind, uint64_t counter, uint32_t epoch, uint32_t previous) {
  RecordHeader header{};
  header.kind = kind;
  header.counter = counter;
  header.epoch = epoch;
  header.previous = previous;
  return header;
}

template <typename Fact>
bool eventually(Fact fact) {
  for (int i = 0; i < 20'000; ++i) {
    if (fact()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

/** Flushes and waits until all of it is durable. */
inline bool settle(Log& log) {
  log.flush();
  return eventually([&] { return log.durable() == log.appended(); });
}

/** Everything that a log gives back, as text; ends with how it ended. */
inline std::string replayAll(Log& log) {
  std::string text;
  for (;;) {
    Record record;
    const uint16_t found = log.replayNext(PAYLOAD_BYTES_MAX, record);
    const RecordHeader& header = record.header;
    if (found == kind::END) return text + "end";
    if (found == kind::DAMAGE) return text + "damage";
    if (found == kind::ENTRY) {
      const std::string wanted = payloadOf(header.counter, header.payloadBytes);
      const bool whole = std::memcmp(record.payload, wanted.data(), wanted.size()) == 0;
      text += (whole ? "e" : "BAD") + std::to_string(header.counter) + " ";
    }
    if (found == kind::EPOCHS)
      text += "p" + std::to_string(header.previous) + "/" + std::to_string(header.epoch) + " ";
    if (found == kind::TRUNCATE) text += "t" + std::to_string(header.counter) + " ";
    if (found == kind::BASE)
      text += "b" + std::to_string(header.counter) + "/" + std::to_string(header.epoch) + " ";
  }
}

inline std::string entries(uint64_t first, uint64_t last) {
  std::string text;
  for (uint64_t i = first; i <= last; ++i) text += "e" + std::to_string(i) + " ";
  return text;
}

struct Opened {
  Failure failure;
  std::unique_ptr<Log> log;
  std::string replayed;

  explicit Opened(const Settings& settings) : log(Log::open(settings, failure)) {
    if (log != nullptr) replayed = replayAll(*log);
  }
};

/** Appends entries, each its own group when `apart`. */
inline bool appendRange(Log& log, uint64_t first, uint64_t last, uint32_t bytes, bool apart) {
  for (uint64_t i = first; i <= last; ++i) {
    while (!appendEntry(log, i, bytes)) std::this_thread::yield();
    if (apart && !settle(log)) return false;
  }
  return settle(log);
}

/** A segment file's name. */
inline std::string segment(uint64_t number) { return segmentName(number); }

/** Offset of the n-th record (from 0) of equal size in a segment. */
inline uint64_t offsetOf(uint64_t index, uint32_t bytes) {
  return sizeof(SegmentHeader) + index * recordBytes(bytes);
}

}  // namespace wal::test

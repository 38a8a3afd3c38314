/** Groups, full buffers, full disks, failed calls. */
#include <atomic>

#include "fixture.h"

namespace wal::test {
namespace {

/** A disk whose calls can be made to fail while the log runs. */
struct TestDisk final : Disk {
  std::atomic<int> writeError{0};
  std::atomic<int> syncError{0};
  std::atomic<int> allocateError{0};
  std::atomic<uint64_t> writeBytesMax{UINT64_MAX};
  std::atomic<uint32_t> writes{0};
  std::atomic<uint32_t> syncs{0};
  std::atomic<uint32_t> syncMillis{0};

  static bool fails(int error) {
    errno = error;
    return error != 0;
  }
  ssize_t write(int file, const void* from, size_t bytes, uint64_t offset) override {
    ++writes;
    if (fails(writeError)) return -1;
    return Disk::write(file, from, std::min<uint64_t>(bytes, writeBytesMax), offset);
  }
  int sync(int file) override {
    ++syncs;
    if (fails(syncError)) return -1;
    std::this_thread::sleep_for(std::chrono::milliseconds(syncMillis));
    return Disk::sync(file);
  }
  int allocate(int file, uint64_t bytes) override {
    return fails(allocateError) ? -1 : Disk::allocate(file, bytes);
  }
};

struct World {
  Folder folder;
  Counters counters;
  TestDisk disk;
  Settings settings = settingsOf(folder, counters);

  World() { settings.disk = &disk; }
};

void groups() {
  World world;
  world.settings.segmentBytes = 4 << 20;
  Opened opened(world.settings);
  CHECK(appendRange(*opened.log, 1, 1, 100, false));
  world.disk.syncMillis = 100;
  const double groupsBefore = world.counters[Counter::groups];
  const double syncsBefore = world.counters[Counter::syncs];
  // The first goes alone; all of the others gather while it is synchronised.
  CHECK(appendEntry(*opened.log, 2, 100));
  opened.log->flush();
  CHECK(eventually([&] { return world.counters[Counter::groups] > groupsBefore; }));
  for (uint64_t i = 3; i <= 1000; ++i) CHECK(appendEntry(*opened.log, i, 100));
  CHECK(opened.log->durable() == 1);
  CHECK(settle(*opened.log));
  CHECK(world.counters[Counter::records] == 1000);
  CHECK(world.counters[Counter::groups] == groupsBefore + 2);
  CHECK(world.counters[Counter::syncs] == syncsBefore + 2);
  CHECK(world.counters[Counter::bytes] == static_cast<double>(1000 * recordBytes(100)));
  CHECK(world.counters[Counter::syncMicrosMax] >= 100'000);
  CHECK(world.counters[Counter::syncMicrosMean] <= world.counters[Counter::syncMicrosMax]);
}

void nothingBeforeFlush() {
  World world;
  Opened opened(world.settings);
  CHECK(appendRange(*opened.log, 1, 1, 100, false));
  CHECK(eventually([&] { return world.folder.has("log-next.part"); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const uint32_t syncs = world.disk.syncs;
  CHECK(appendEntry(*opened.log, 2, 100));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(world.disk.syncs == syncs && opened.log->durable() == 1);
  CHECK(settle(*opened.log));
}

void fullBuffer() {
  World world;
  Opened opened(world.settings);
  world.disk.syncMillis = 50;
  uint64_t counter = 0;
  while (appendEntry(*opened.log, counter + 1, 8000)) ++counter;
  CHECK(counter >= 64 && counter < 140);  // half a MiB, perhaps twice
  CHECK(world.counters[Counter::bufferFull] == 1);
  CHECK(opened.log->appended() == counter);
  // A refusal wakes the writer by itself.
  CHECK(eventually([&] { return appendEntry(*opened.log, counter + 1, 8000); }));
  CHECK(settle(*opened.log));
  opened.log.reset();
  CHECK(Opened(world.settings).replayed == entries(1, counter + 1) + "end");
}

void failedSync() {
  World world;
  Opened opened(world.settings);
  CHECK(appendRange(*opened.log, 1, 5, 100, false));
  world.disk.syncError = EIO;
  CHECK(appendEntry(*opened.log, 6, 100));
  opened.log->flush();
  CHECK(eventually([&] { return opened.log->status() == status::FAILED; }));
  const uint32_t syncs = world.disk.syncs;
  world.disk.syncError = 0;
  CHECK(!appendEntry(*opened.log, 7, 100));
  opened.log->flush();
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  CHECK(world.disk.syncs == syncs && opened.log->durable() == 5);
  CHECK(opened.log->error().find(world.folder.file(segment(1))) == 0);
  CHECK(opened.log->error().find("Input/output error") != std::string::npos);
}

void failedSyncForRoom() {
  // Also when it fails for room: what it wrote is not known.
  World world;
  Opened opened(world.settings);
  CHECK(appendRange(*opened.log, 1, 5, 100, false));
  world.disk.syncError = ENOSPC;
  CHECK(appendEntry(*opened.log, 6, 100));
  opened.log->flush();
  CHECK(eventually([&] { return opened.log->status() == status::FAILED; }));
  CHECK(opened.log->error().find("No space left on device") != std::string::npos);
}

void failedWrite() {
  World world;
  Opened opened(world.settings);
  CHECK(appendRange(*opened.log, 1, 5, 100, false));
  world.disk.writeError = EIO;
  CHECK(appendEntry(*opened.log, 6, 100));
  opened.log->flush();
  CHECK(eventually([&] { return opened.log->status() == status::FAILED; }));
  CHECK(opened.log->durable() == 5 && !opened.log->error().empty());
  // Nor will a snapshot be written.
  CHECK(eventually([&] {
    opened.log->snapshotAbandon();
    opened.log->snapshotBegin({5, 3});
    return opened.log->snapshotState() == snapshot_state::FAILED;
  }));
}

void knobFails() {
  World world;
  world.settings.disk = nullptr;
  world.settings.faultSync = 3;  // the segment's, then the second group's
  Opened opened(world.settings);
  CHECK(appendRange(*opened.log, 1, 1, 100, false));
  CHECK(appendEntry(*opened.log, 2, 100));
  opened.log->flush();
  CHECK(eventually([&] { return opened.log->status() == status::FAILED; }));
}

void shortWrites() {
  World world;
  world.disk.writeBytesMax = 1000;
  {
    Opened opened(world.settings);
    CHECK(appendRange(*opened.log, 1, 50, 3000, false));
  }
  CHECK(Opened(world.settings).replayed == entries(1, 50) + "end");
}

void fullDisk() {
  World world;
  Opened opened(world.settings);
  CHECK(appendRange(*opened.log, 1, 5, 8000, false));
  CHECK(eventually([&] { return world.folder.has("log-next.part"); }));
  world.disk.allocateError = ENOSPC;
  // The second segment is there already; the third cannot be made: a warning first.
  CHECK(appendRange(*opened.log, 6, 20, 8000, false));
  CHECK(eventually([&] { return opened.log->status() == status::SPACE_LOW; }));
  CHECK(opened.log->error().find("no room for the next segment") == 0);
  for (uint64_t i = 21; i <= 40; ++i) CHECK(appendEntry(*opened.log, i, 8000));
  opened.log->flush();
  CHECK(eventually([&] { return opened.log->status() == status::FULL; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  CHECK(opened.log->durable() == 32 && world.counters[Counter::waitsForSpace] < 10);
  CHECK(appendEntry(*opened.log, 41, 8000));  // the buffer still takes them
  world.disk.allocateError = 0;
  CHECK(settle(*opened.log));
  CHECK(eventually([&] { return opened.log->status() == status::FINE; }));
  CHECK(opened.log->error().empty());
  opened.log.reset();
  CHECK(Opened(world.settings).replayed == entries(1, 41) + "end");
}

void fullInTheMiddleOfAWrite() {
  World world;
  world.disk.allocateError = EOPNOTSUPP;  // then a write finds out
  Opened opened(world.settings);
  CHECK(appendRange(*opened.log, 1, 2, 8000, false));
  world.disk.writeBytesMax = 5000;
  world.disk.writeError = ENOSPC;
  for (uint64_t i = 3; i <= 6; ++i) CHECK(appendEntry(*opened.log, i, 8000));
  opened.log->flush();
  CHECK(eventually([&] { return opened.log->status() == status::FULL; }));
  world.disk.writeError = 0;
  CHECK(settle(*opened.log));
  opened.log.reset();
  CHECK(Opened(world.settings).replayed == entries(1, 6) + "end");
}

void closedWhileFull() {
  World world;
  {
    Opened opened(world.settings);
    CHECK(appendRange(*opened.log, 1, 1, 8000, false));
    world.disk.writeError = ENOSPC;
    CHECK(appendEntry(*opened.log, 2, 8000));
    opened.log->flush();
    CHECK(eventually([&] { return opened.log->status() == status::FULL; }));
  }
  world.disk.writeError = 0;
  CHECK(Opened(world.settings).replayed == entries(1, 1) + "end");
}

void asynchronous() {
  World world;
  world.settings.isSync = false;
  Opened opened(world.settings);
  CHECK(appendRange(*opened.log, 1, 1, 100, false));
  CHECK(eventually([&] { return world.folder.has("log-next.part"); }));
  world.disk.syncMillis = 5;
  for (uint64_t i = 2; i <= 100; ++i) CHECK(appendRange(*opened.log, i, i, 100, false));
  CHECK(world.counters[Counter::groups] >= 100 && world.counters[Counter::syncs] < 20);
  const double before = world.counters[Counter::syncs];
  CHECK(appendRange(*opened.log, 101, 101, 100, false));
  CHECK(eventually([&] { return world.counters[Counter::syncs] > before; }));
}

void closeWrites() {
  World world;
  {
    Opened opened(world.settings);
    CHECK(appendEntry(*opened.log, 1, 100));  // no flush
  }
  CHECK(Opened(world.settings).replayed == entries(1, 1) + "end");
  CHECK(!world.folder.has("log-next.part"));
}

}  // namespace

void writerTests() {
  run("writer: what is appended while it writes is one group, one sync", groups);
  run("writer: it sleeps until it is flushed", nothingBeforeFlush);
  run("writer: a full buffer takes nothing, and goes on", fullBuffer);
  run("writer: a failed sync is final", failedSync);
  run("writer: a sync that fails for room is final, too", failedSyncForRoom);
  run("writer: a failed write is final", failedWrite);
  run("writer: the fault knob fails one sync", knobFails);
  run("writer: short writes are finished", shortWrites);
  run("writer: a full disk warns, waits and goes on", fullDisk);
  run("writer: a full disk in the middle of a write", fullInTheMiddleOfAWrite);
  run("writer: closing does not wait for room", closedWhileFull);
  run("writer: async is written, and synchronised within a second", asynchronous);
  run("writer: closing writes what was appended", closeWrites);
}

}  // namespace wal::test

#include "wal/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>

namespace wal {

Log::Log(const Settings& settings, Counts counts)
    : settings_(settings),
      counts_(counts),
      faulty_(settings.faultSync),
      writer_({{settings.directory, settings.identity, settings.segmentBytes},
               settings.isSync,
               settings.bufferBytes,
               settings.snapshotBufferBytes,
               settings.wake},
              settings.disk == nullptr ? faulty_ : *settings.disk, counts) {}

std::unique_ptr<Log> Log::open(const Settings& settings, Failure& failure) {
  require(settings.segmentBytes >= SEGMENT_BYTES_MIN && settings.segmentBytes <= SEGMENT_BYTES_MAX,
          "open: a segment holds the largest record");
  require(settings.bufferBytes / 2 >= recordBytes(PAYLOAD_BYTES_MAX),
          "open: half a buffer holds the largest record");
  std::unique_ptr<Log> log(new Log(settings, Counts(settings.counters)));
  if (!log->directory_.open(settings.directory, settings.identity, failure)) return nullptr;
  Listing listing;
  if (!listDirectory(settings.directory, listing, failure)) return nullptr;
  if (!log->writer_.create()) {
    fail(failure, "BAD_ARGUMENT", "there is no memory for the log's buffers: lower their sizes");
    return nullptr;
  }
  log->replay_ =
      std::make_unique<Replay>(settings.directory, settings.identity, std::move(listing));
  return log;
}

bool Log::broken(const std::string& sentence) {
  isBroken_ = true;
  error_ = sentence;
  return false;
}

std::string Log::error() {
  if (isBroken_) return error_;
  const std::string said = isAppending_ ? writer_.error() : replay_->problem();
  return said.empty() ? error_ : said;
}

uint16_t Log::replayNext(uint64_t payloadBytesMax, Record& record) {
  require(!isAppending_, "replayNext: before the first append");
  if (isBroken_) return kind::DAMAGE;
  const uint16_t found = replay_->next(payloadBytesMax, record);
  // A segment says when it begins where it lies: where its successor may begin.
  const SegmentHeader* const segment = replay_->segment();
  if (segment != nullptr && segment->number != known_) {
    known_ = segment->number;
    writer_.segments().known(segment->number, segment->lastCounter);
  }
  if (found == kind::END && !begin()) return kind::DAMAGE;
  if (found >= kind::ENTRY && found <= kind::BASE) counts_.add(Counter::replayed);
  return found;
}

/** What was there is read: cuts what is torn, and lets the writer go on behind it. */
bool Log::begin() {
  Segments& segments = writer_.segments();
  if (known_ != 0) {
    counts_.add(Counter::cutBytes, replay_->tornBytes());
    const Done done = segments.resume(replay_->offset(), replay_->tornBytes());
    if (done == Done::failed) return broken(segments.failure().sentence);
    if (done == Done::full)
      return broken("no room in " + settings_.directory + " to begin: make some");
  }
  writer_.start(replay_->position());
  isAppending_ = true;
  return true;
}

bool Log::append(const RecordHeader& header, const uint8_t* payload) {
  require(isAppending_, "append: the replay has come to its end");
  return writer_.append(header, payload);
}

void Log::snapshotBegin(const SnapshotName& name) {
  require(isAppending_, "snapshotBegin: the replay has come to its end");
  written_ = snapshotName(name);
  writer_.snapshots().begin(name);
}

bool Log::snapshotPart(const uint8_t* from, uint32_t bytes) {
  require(bytes > 0 && bytes <= snapshotPartBytesMax(), "snapshotPart: it fits the buffer");
  const bool taken = writer_.snapshots().part(from, bytes);
  writer_.kick();
  return taken;
}

void Log::snapshotFinish() {
  writer_.snapshots().finish();
  writer_.kick();
}

void Log::snapshotAbandon() {
  writer_.snapshots().abandon();
  writer_.kick();
}

int64_t Log::snapshotRead(uint8_t* to, uint64_t bytesMax) {
  const int64_t bytes = reader_.read(to, bytesMax);
  if (bytes == SnapshotReader::DAMAGED) error_ = reader_.problem();
  return bytes;
}

bool Log::snapshotOpen() {
  Listing listing;
  Failure failure;
  if (!isBroken_) error_.clear();
  if (!listDirectory(settings_.directory, listing, failure)) return false;
  if (snapshotState() == snapshot_state::FINISHED) verified_.insert(written_);
  std::reverse(listing.snapshots.begin(), listing.snapshots.end());
  for (const SnapshotName& each : listing.snapshots) {
    const std::string name = snapshotName(each);
    if (reader_.open(settings_.directory, settings_.identity.cluster, each) &&
        (verified_.contains(name) || reader_.verify())) {
      verified_.insert(name);
      return true;
    }
    error_ = reader_.problem();
    reader_.close();
    const std::string path = inDirectory(settings_.directory, name);
    if (exists(path)) rename(path.c_str(), damagedName(path).c_str());
  }
  return false;
}

}  // namespace wal

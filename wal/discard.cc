/** Going on after damage: what is before it stays, the rest is set aside for a person to look at. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "wal/log.h"

namespace wal {

namespace {

constexpr uint64_t COPY_BYTES = 1 << 20;

/** A copy under another name, durable before it has that. What cannot be read is left zero. */
bool copyAside(const std::string& from, const std::string& to) {
  const File source = File::open(from, O_RDONLY);
  const std::string part = to + ".part";
  const File copy = File::open(part, O_WRONLY | O_CREAT | O_TRUNC);
  if (!source.isOpen() || !copy.isOpen()) return false;
  Disk disk;
  std::string buffer(COPY_BYTES, '\0');
  const uint64_t bytes = source.bytes();
  for (uint64_t at = 0; at < bytes; at += COPY_BYTES) {
    const int64_t got = readAt(source.descriptor(), buffer.data(), COPY_BYTES, at);
    if (got <= 0) continue;
    uint64_t done = 0;
    const auto* const read = reinterpret_cast<const uint8_t*>(buffer.data());
    if (!writeAt(disk, copy.descriptor(), read, static_cast<uint64_t>(got), at, done)) return false;
  }
  return fsync(copy.descriptor()) == 0 && rename(part.c_str(), to.c_str()) == 0;
}

}  // namespace

bool Log::setAside(const std::string& path) {
  if (!exists(path) || rename(path.c_str(), damagedName(path).c_str()) == 0) return true;
  return broken(path + " could not be set aside, " + why("rename", errno) + ": look at that disk");
}

bool Log::discardAfterDamage() {
  require(!isAppending_, "discardAfterDamage: before the first append");
  if (isBroken_ || replay_->problem().empty()) return !isBroken_;
  const uint64_t number = replay_->damagedNumber();
  const bool keepsBeginning = replay_->segment() != nullptr && replay_->segment()->number == number;
  // From the last to the first, so that what is there is a log at any moment.
  const auto& segments = replay_->listing().segments;
  for (auto each = segments.rbegin(); each != segments.rend() && *each >= number; ++each) {
    if (*each == number && keepsBeginning) break;
    if (!setAside(inDirectory(settings_.directory, segmentName(*each)))) return false;
  }
  if (keepsBeginning) {
    const std::string path = inDirectory(settings_.directory, segmentName(number));
    if (!copyAside(path, damagedName(path)) ||
        truncate(path.c_str(), static_cast<off_t>(replay_->offset())) != 0)
      return broken(path + " could not be copied aside, " + why("write", errno) +
                    ": make room on that file system, or look at that disk");
  }
  if (!syncDirectory(settings_.directory))
    return broken(settings_.directory + " could not be written, " + why("fsync", errno));
  replay_->endHere();
  return true;
}

}  // namespace wal

#include "wal/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace wal {

namespace {

constexpr uint64_t META_BYTES_MAX = 4096;
constexpr const char* PART = ".part";

/** Whether a name is of the kind that is made here: others' files are left alone. */
bool isOurs(const std::string& name) {
  return name.starts_with("log-") || name.starts_with("snapshot-") || name.starts_with("META");
}

std::string hex(uint64_t word) {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, word);
  return text;
}

std::string metaText(const Identity& identity) {
  const std::string lines = "zabkv data directory, format 1\nreplica " +
                            std::to_string(identity.replica) + "\ncluster " + identity.cluster +
                            "\n";
  return lines + "checksum " + hex(clusterHash(lines)) + "\n";
}

bool failDirectory(Failure& failure, const char* syscall, const std::string& path) {
  const int error = errno;
  std::string advice = "cannot be used: look at the file system and the owner of that directory";
  if (error == ENOENT) advice = "is not there: make it (mkdir -p) or mount its disk first";
  if (error == ENOTDIR) advice = "is not a directory: name one that is";
  if (error == EACCES || error == EPERM)
    advice = "may not be written by this user: change its owner (chown) or run as that one";
  if (error == EROFS) advice = "is on a file system mounted read-only: mount it writable";
  if (isFull(error)) advice = "is on a file system without room: make some";
  return failCall(failure, "DATA_DIR", syscall, error, "the data directory " + path + " " + advice);
}

/** By a name that is not there until it is whole. */
bool writeMeta(const std::string& directory, const std::string& text, Failure& failure) {
  const std::string path = inDirectory(directory, "META");
  const std::string part = path + PART;
  Disk disk;
  uint64_t done = 0;
  const File file = File::open(part, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.isOpen()) return failDirectory(failure, "open", directory);
  const auto* const bytes = reinterpret_cast<const uint8_t*>(text.data());
  if (!writeAt(disk, file.descriptor(), bytes, text.size(), 0, done))
    return failDirectory(failure, "pwrite", directory);
  if (fsync(file.descriptor()) != 0) return failDirectory(failure, "fsync", directory);
  if (rename(part.c_str(), path.c_str()) != 0) return failDirectory(failure, "rename", directory);
  return syncDirectory(directory) || failDirectory(failure, "fsync", directory);
}

}  // namespace

std::string segmentName(uint64_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "log-%010" PRIu64, number);
  return name;
}

std::string snapshotName(const SnapshotName& snapshot) {
  char name[64];
  std::snprintf(name, sizeof name, "snapshot-%016" PRIu64 "-%" PRIu32, snapshot.counter,
                snapshot.epoch);
  return name;
}

std::string damagedName(const std::string& path) {
  std::string name = path + ".damaged";
  for (int i = 2; exists(name); ++i) name = path + ".damaged." + std::to_string(i);
  return name;
}

bool listDirectory(const std::string& path, Listing& listing, Failure& failure) {
  DIR* const directory = opendir(path.c_str());
  if (directory == nullptr) return failDirectory(failure, "opendir", path);
  listing = Listing{};
  for (const dirent* each = readdir(directory); each != nullptr; each = readdir(directory)) {
    const std::string name = each->d_name;
    SnapshotName snapshot;
    uint64_t number = 0;
    if (name.ends_with(PART) && isOurs(name)) {
      listing.leftovers.push_back(name);
    } else if (name.find(".damaged") != std::string::npos && isOurs(name)) {
      listing.damaged.push_back(name);
    } else if (std::sscanf(name.c_str(), "log-%" SCNu64, &number) == 1 &&
               name == segmentName(number)) {
      listing.segments.push_back(number);
    } else if (std::sscanf(name.c_str(), "snapshot-%" SCNu64 "-%" SCNu32, &snapshot.counter,
                           &snapshot.epoch) == 2 &&
               name == snapshotName(snapshot)) {
      listing.snapshots.push_back(snapshot);
    }
  }
  closedir(directory);
  std::sort(listing.segments.begin(), listing.segments.end());
  std::sort(listing.damaged.begin(), listing.damaged.end());
  std::sort(listing.snapshots.begin(), listing.snapshots.end(),
            [](const SnapshotName& a, const SnapshotName& b) {
              return a.counter != b.counter ? a.counter < b.counter : a.epoch < b.epoch;
            });
  return true;
}

bool readMeta(const std::string& path, Identity& identity, Failure& failure) {
  const File file = File::open(inDirectory(path, "META"), O_RDONLY);
  if (!file.isOpen() && errno == ENOENT && exists(path))
    return fail(failure, "WRONG_DATA_DIR",
                "there is no META in " + path + ": name the data directory of a replica");
  if (!file.isOpen()) return failDirectory(failure, "open", path);
  std::string text(META_BYTES_MAX, '\0');
  const int64_t bytes = readAt(file.descriptor(), text.data(), text.size(), 0);
  text.resize(bytes < 0 ? 0 : static_cast<size_t>(bytes));
  const size_t cluster = text.find("\ncluster ");
  const size_t end = cluster == std::string::npos ? cluster : text.find('\n', cluster + 1);
  if (end != std::string::npos &&
      std::sscanf(text.c_str(), "%*[^\n]\nreplica %" SCNu32, &identity.replica) == 1) {
    identity.cluster = text.substr(cluster + 9, end - cluster - 9);
    if (text == metaText(identity)) return true;
  }
  return fail(failure, "WRONG_DATA_DIR",
              "the file META in " + path +
                  " is not one that this version wrote: give another directory, or empty this one "
                  "and let the replica synchronise from its peers");
}

bool Directory::open(const std::string& path, const Identity& identity, Failure& failure) {
  path_ = path;
  const File directory = File::open(path, O_RDONLY | O_DIRECTORY);
  if (!directory.isOpen()) return failDirectory(failure, "open", path);
  if (!lock(failure) || !own(identity, failure)) return false;
  Listing listing;
  if (!listDirectory(path, listing, failure)) return false;
  for (const std::string& name : listing.leftovers) unlink(inDirectory(path, name).c_str());
  return true;
}

bool Directory::lock(Failure& failure) {
  lock_ = File::open(inDirectory(path_, "LOCK"), O_RDWR | O_CREAT);
  if (!lock_.isOpen()) return failDirectory(failure, "open", path_);
  if (flock(lock_.descriptor(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) return failDirectory(failure, "flock", path_);
  return fail(failure, "DATA_DIR_IN_USE",
              "the data directory " + path_ +
                  " is in use by another process: stop that one, or give this replica its own");
}

bool Directory::own(const Identity& identity, Failure& failure) {
  if (!exists(inDirectory(path_, "META"))) {
    Listing listing;
    if (!listDirectory(path_, listing, failure)) return false;
    if (listing.segments.empty() && listing.snapshots.empty())
      return writeMeta(path_, metaText(identity), failure);
    return fail(failure, "WRONG_DATA_DIR",
                "the data directory " + path_ +
                    " holds a log but no META that says whose: put META back, or give another");
  }
  Identity found;
  if (!readMeta(path_, found, failure)) return false;
  if (found.cluster == identity.cluster && found.replica == identity.replica) return true;
  return fail(failure, "WRONG_DATA_DIR",
              "the data directory " + path_ + " belongs to replica " +
                  std::to_string(found.replica) + " of cluster " + found.cluster +
                  ", not to replica " + std::to_string(identity.replica) + " of cluster " +
                  identity.cluster + ": give this replica its own directory");
}

}  // namespace wal

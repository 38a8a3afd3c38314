/**
 * The data directory: who owns it, and what lies in it.
 *
 *   META                      cluster and replica, made at the first open
 *   LOCK                      held (flock) by the process that writes here
 *   log-0000000001            segments, numbered without a hole
 *   snapshot-<counter>-<epoch>
 *   *.part                    unfinished, removed at the next open
 *   *.damaged                 set aside, for a person to look at
 */
#pragma once

#include <string>
#include <vector>

#include "wal/failure.h"
#include "wal/files.h"
#include "wal/format.h"

namespace wal {

struct SnapshotName {
  uint64_t counter = 0;
  uint32_t epoch = 0;
};

struct Listing {
  std::vector<uint64_t> segments;       // ascending
  std::vector<SnapshotName> snapshots;  // ascending by counter
  std::vector<std::string> leftovers;   // names
  std::vector<std::string> damaged;     // names
};

std::string segmentName(uint64_t number);
std::string snapshotName(const SnapshotName& snapshot);
inline std::string inDirectory(const std::string& directory, const std::string& name) {
  return directory + "/" + name;
}

bool listDirectory(const std::string& path, Listing& listing, Failure& failure);
bool readMeta(const std::string& path, Identity& identity, Failure& failure);
/** The file's name with .damaged behind it, or .damaged.2 and so on when that is taken. */
std::string damagedName(const std::string& path);

/** Holds the lock for as long as it lives. */
class Directory {
 public:
  /** Locks, checks or makes META, removes what was left unfinished. */
  bool open(const std::string& path, const Identity& identity, Failure& failure);
  const std::string& path() const { return path_; }

 private:
  bool lock(Failure& failure);
  bool own(const Identity& identity, Failure& failure);

  std::string path_;
  File lock_;
};

}  // namespace wal

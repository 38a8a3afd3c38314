/**
 * A replica's front without sockets: the machine in its own slab, clients whose bytes are strings, and what a replica
 * does with a link: entries that are applied, applied while the link is lost, or void.
 */
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "front/front.h"
#include "machine/test/rig.h"
#include "test/native/check.h"

namespace front::test {

/** What becomes of what a turn packed. */
enum class Fate {
  applied,
  appliedAfterDismissal,  // the link is lost, what went over it is done all the same
  lost,                   // with the link
};

struct Peer {
  Peer(memcached::Pool& pool, const memcached::Settings& settings) : client(pool, settings, 0) {}

  /** All that was said since the last time. */
  std::string take() {
    std::string taken;
    taken.swap(said);
    return taken;
  }

  Client client;
  std::string said;
};

constexpr uint64_t WAIT_MILLIS = 10'000;

class World {
 public:
  explicit World(const rig::Options& options = {}, uint64_t sessionMillis = 0);
  ~World();

  Peer& connect();
  void disconnect(Peer& peer);
  /** Gives it as much as it takes, and says so; returns how many bytes. */
  size_t feed(Peer& peer, std::string_view bytes);
  /** One turn of the replica. Not `serving`: it has no leader. Not `open`: clients have to wait. */
  void turn(Fate fate = Fate::applied, bool serving = true, bool open = true);
  /** Feeds and turns until all is answered, or as often as is enough for everything. */
  std::string ask(Peer& peer, std::string_view bytes);
  /** The replica stops and begins to lead or to follow. */
  void dismiss() { front_.dismiss(); }

  Front& front() { return front_; }
  rig::Rig& machine() { return rig_; }
  rig::Log log;
  uint64_t millis = 1000;
  memcached::Pool pool;

 private:
  void collect();

  rig::Rig rig_;
  memcached::Settings protocol_;
  Front front_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

void sessionTests();
void resendTests();
void streamTests();
void serverTests();

}  // namespace front::test

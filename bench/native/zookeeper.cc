/**
 * A load for ZooKeeper by its own C library's asynchronous calls: several connections, each with a number of operations
 * outstanding. A completion starts the next operation.
 *
 * Connections are dealt out over the servers, so that reads are served by all of them, as zabkv's sessions are.
 *
 * Usage: zookeeper --servers HOST:PORT,... [options of all loads]
 */
#define THREADED
#include <zookeeper/zookeeper.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "bench/native/load_options.h"

namespace bench {
namespace {

constexpr int SESSION_MILLIS = 30'000;
constexpr int64_t CONNECT_NANOS_MAX = 60'000'000'000;
constexpr int64_t SILENCE_NANOS_MAX = 60'000'000'000;

struct Load;

/** All of a connection is touched by its completion thread alone, once it runs. */
struct Connection {
  Load* load = nullptr;
  zhandle_t* handle = nullptr;
  Random random{0};
  Tally tally{};
};

struct Load {
  LoadOptions options;
  std::string value;
  std::vector<std::unique_ptr<Connection>> connections{};
  std::atomic<Phase> phase{Phase::preload};
  std::atomic<bool> counts{false};  // neither the preload nor the warm-up, nor what is left at the end
  std::atomic<uint32_t> preloaded{0};
  std::atomic<uint32_t> outstanding{0};
  std::mutex mutex{};
  std::condition_variable idle{};
};

struct Operation {
  Connection* connection;
  bool isWrite;
  int64_t issuedAt;
};

std::string pathOf(uint32_t id) {
  char key[8];
  writeKey(id, key);
  return "/bench/" + std::string(key, sizeof key);
}

void issue(Connection& connection, Operation* reused);

void finish(Operation* operation, int result) {
  Connection& connection = *operation->connection;
  Load& load = *connection.load;
  const bool isNodeThere = result == ZNODEEXISTS && load.phase == Phase::preload;
  if (result != ZOK && !isNodeThere) {
    ++connection.tally.errors;
  } else if (load.counts) {
    ++(operation->isWrite ? connection.tally.writes : connection.tally.reads);
    connection.tally.latency.record(nanosNow() - operation->issuedAt);
  }
  issue(connection, operation);
}

void onWritten(int result, const Stat*, const void* data) {
  finish(static_cast<Operation*>(const_cast<void*>(data)), result);
}

void onCreated(int result, const char*, const void* data) {
  finish(static_cast<Operation*>(const_cast<void*>(data)), result);
}

void onRead(int result, const char*, int length, const Stat*, const void* data) {
  auto* const operation = static_cast<Operation*>(const_cast<void*>(data));
  const auto expected = static_cast<int>(operation->connection->load->value.size());
  finish(operation, result == ZOK && length != expected ? ZSYSTEMERROR : result);
}

/** The operation's place ends when there is nothing more to do in this phase. */
void retire(Load& load, Operation* operation) {
  delete operation;
  const std::lock_guard lock(load.mutex);
  if (load.outstanding.fetch_sub(1) == 1) load.idle.notify_all();
}

void issue(Connection& connection, Operation* operation) {
  Load& load = *connection.load;
  const Phase phase = load.phase;
  const std::string& value = load.value;
  const auto bytes = static_cast<int>(value.size());
  int result = ZOK;
  operation->issuedAt = nanosNow();
  if (phase == Phase::end) return retire(load, operation);
  if (phase == Phase::preload) {
    const uint32_t id = load.preloaded.fetch_add(1);
    if (id >= load.options.keys) return retire(load, operation);
    result = zoo_acreate(connection.handle, pathOf(id).c_str(), value.data(), bytes, &ZOO_OPEN_ACL_UNSAFE, 0, onCreated,
                         operation);
  } else {
    const std::string path = pathOf(connection.random.below(load.options.keys));
    operation->isWrite = connection.random.below(1000) < load.options.writesOf1000;
    result = operation->isWrite
                 ? zoo_aset(connection.handle, path.c_str(), value.data(), bytes, -1, onWritten, operation)
                 : zoo_aget(connection.handle, path.c_str(), 0, onRead, operation);
  }
  if (result != ZOK) stop(std::string("ZooKeeper's library refuses an operation: ") + zerror(result) + ".");
}

void launch(Load& load, Phase phase) {
  load.phase = phase;
  load.outstanding = load.options.outstanding * load.options.connections;
  for (uint32_t i = 0; i < load.options.outstanding; ++i) {
    for (const auto& connection : load.connections) issue(*connection, new Operation{connection.get(), true, 0});
  }
}

void awaitIdle(Load& load, const char* what) {
  std::unique_lock lock(load.mutex);
  const auto limit = std::chrono::nanoseconds(SILENCE_NANOS_MAX);
  if (!load.idle.wait_for(lock, limit, [&] { return load.outstanding == 0; })) {
    stop(std::string(what) + " did not end: ZooKeeper does not answer.");
  }
}

void sleepFor(double seconds) {
  timespec time{static_cast<time_t>(seconds), static_cast<long>((seconds - static_cast<time_t>(seconds)) * 1e9)};
  nanosleep(&time, nullptr);
}

void dial(Load& load) {
  const LoadOptions& options = load.options;
  for (uint32_t i = 0; i < options.connections; ++i) {
    const Place& place = serverOf(options, i);
    auto made = std::make_unique<Connection>();
    made->load = &load;
    made->random = Random(i);
    const std::string where = place.host + ":" + place.port;
    made->handle = zookeeper_init(where.c_str(), nullptr, SESSION_MILLIS, nullptr, nullptr, 0);
    if (made->handle == nullptr) stop("ZooKeeper's library makes no connection.");
    load.connections.push_back(std::move(made));
  }
  const int64_t limit = nanosNow() + CONNECT_NANOS_MAX;
  for (const auto& each : load.connections) {
    while (zoo_state(each->handle) != ZOO_CONNECTED_STATE) {
      if (nanosNow() > limit) stop("No connection to ZooKeeper: is a majority of its servers running?");
      sleepFor(0.01);
    }
  }
}

int main(int argc, char** argv) {
  const Options given(argc, argv);
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  static Load load{loadOptionsOf(given), {}};
  load.value.assign(load.options.valueBytes, '.');
  dial(load);
  if (load.options.preload) {
    zoo_create(load.connections[0]->handle, "/bench", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
    launch(load, Phase::preload);
    awaitIdle(load, "The preload");
  }
  launch(load, Phase::run);
  sleepFor(load.options.warmUp);
  const int64_t measured = nanosNow();
  load.counts = true;
  sleepFor(load.options.seconds);
  load.counts = false;
  const double seconds = static_cast<double>(nanosNow() - measured) / 1e9;
  load.phase = Phase::end;
  awaitIdle(load, "The run");
  Tally tally;
  for (const auto& each : load.connections) tally.merge(each->tally);
  printTally(tally, seconds);
  for (const auto& each : load.connections) zookeeper_close(each->handle);
  return tally.errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::main(argc, argv); }

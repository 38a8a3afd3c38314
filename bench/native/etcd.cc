/**
 * A load for etcd: gRPC over HTTP/2 by libnghttp2, with a number of calls outstanding on each of several connections.
 *
 * Why not what there is: etcdctl's `check perf` sends at a fixed rate, etcd's own `benchmark` tool is in no Debian
 * package, and a gRPC library spends more on a call than this does. HTTP/2 is pipelined by itself: a call is a stream.
 *
 * Usage: etcd --servers HOST:PORT,... [options of all loads]
 */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "bench/native/etcd_wire.h"
#include "bench/native/load_options.h"

namespace bench {
namespace {

constexpr int SILENCE_MILLIS_MAX = 20'000;
constexpr int32_t WINDOW_BYTES = 1 << 24;
constexpr size_t READ_BYTES = 1 << 17;

struct Load;

struct Connection {
  Load* load = nullptr;
  int descriptor = -1;
  std::string authority{};
  nghttp2_session* session = nullptr;
  std::string rest{};  // of what nghttp2 wanted to send
  uint32_t outstanding = 0;
  bool wantsRoom = false;
};

/** A call: lives from its submission until its stream closes. */
struct Call {
  bool isWrite;
  bool isOk = false;
  std::string request;
  size_t sent = 0;
  size_t received = 0;
  int64_t issuedAt;
};

struct Load {
  LoadOptions options;
  std::string value;
  nghttp2_session_callbacks* callbacks = nullptr;
  int poll = -1;
  Random random{1};
  Tally tally{};
  Phase phase = Phase::preload;
  uint32_t preloaded = 0;
  uint32_t preloadAnswered = 0;
};

nghttp2_nv header(const char* name, std::string_view value) {
  auto* const key = reinterpret_cast<uint8_t*>(const_cast<char*>(name));
  auto* const text = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data()));
  return {key, text, std::strlen(name), value.size(), NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

ssize_t readBody(nghttp2_session*, int32_t, uint8_t* out, size_t room, uint32_t* flags, nghttp2_data_source* source,
                 void*) {
  Call& call = *static_cast<Call*>(source->ptr);
  const size_t bytes = std::min(room, call.request.size() - call.sent);
  std::memcpy(out, call.request.data() + call.sent, bytes);
  call.sent += bytes;
  if (call.sent == call.request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(bytes);
}

/** False when nothing is to be asked in this phase. */
bool issue(Connection& connection) {
  Load& load = *connection.load;
  const bool preloads = load.phase == Phase::preload;
  if (load.phase == Phase::end || (preloads && load.preloaded == load.options.keys)) return false;
  char key[8];
  writeKey(preloads ? load.preloaded++ : load.random.below(load.options.keys), key);
  const std::string_view name(key, sizeof key);
  const bool isWrite = preloads || load.random.below(1000) < load.options.writesOf1000;
  auto* const call =
      new Call{isWrite, false, isWrite ? putRequest(name, load.value) : rangeRequest(name), 0, 0, nanosNow()};
  const nghttp2_nv headers[] = {header(":method", "POST"),
                                header(":scheme", "http"),
                                header(":path", isWrite ? "/etcdserverpb.KV/Put" : "/etcdserverpb.KV/Range"),
                                header(":authority", connection.authority),
                                header("te", "trailers"),
                                header("content-type", "application/grpc")};
  nghttp2_data_provider body{};
  body.source.ptr = call;
  body.read_callback = readBody;
  const int32_t stream = nghttp2_submit_request(connection.session, nullptr, headers, std::size(headers), &body, call);
  if (stream < 0) stop(std::string("A call could not be made: ") + nghttp2_strerror(stream) + ".");
  ++connection.outstanding;
  return true;
}

int onHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name, size_t nameBytes,
             const uint8_t* value, size_t valueBytes, uint8_t, void*) {
  const std::string_view key(reinterpret_cast<const char*>(name), nameBytes);
  auto* const call = static_cast<Call*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
  if (call == nullptr || key != "grpc-status") return 0;
  call->isOk = std::string_view(reinterpret_cast<const char*>(value), valueBytes) == "0";
  return 0;
}

int onData(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t*, size_t bytes, void*) {
  auto* const call = static_cast<Call*>(nghttp2_session_get_stream_user_data(session, stream));
  if (call != nullptr) call->received += bytes;
  return 0;
}

int onClosed(nghttp2_session* session, int32_t stream, uint32_t, void* user) {
  Connection& connection = *static_cast<Connection*>(user);
  Load& load = *connection.load;
  const std::unique_ptr<Call> call(static_cast<Call*>(nghttp2_session_get_stream_user_data(session, stream)));
  if (call == nullptr) return 0;
  --connection.outstanding;
  // A read that found the key brings its value along.
  const bool ok = call->isOk && (call->isWrite || call->received > load.value.size());
  if (!ok) {
    ++load.tally.errors;
  } else if (load.phase == Phase::run) {
    ++(call->isWrite ? load.tally.writes : load.tally.reads);
    load.tally.latency.record(nanosNow() - call->issuedAt);
  }
  if (load.phase == Phase::preload) ++load.preloadAnswered;
  return 0;
}

int dialPlace(const Place& place) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(place.host.c_str(), place.port.c_str(), &hints, &found) != 0) {
    stop("No address for " + place.host + ".");
  }
  const int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 || connect(descriptor, found->ai_addr, found->ai_addrlen) != 0) {
    stop("No connection to " + place.host + ":" + place.port + ": is etcd running?");
  }
  freeaddrinfo(found);
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  return descriptor;
}

void open(Load& load, Connection& connection, const Place& place) {
  connection.load = &load;
  connection.authority = place.host + ":" + place.port;
  connection.descriptor = dialPlace(place);
  nghttp2_session_client_new(&connection.session, load.callbacks, &connection);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES}};
  nghttp2_submit_settings(connection.session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(connection.session, NGHTTP2_FLAG_NONE, 0, WINDOW_BYTES);
  epoll_event event{EPOLLIN, {&connection}};
  epoll_ctl(load.poll, EPOLL_CTL_ADD, connection.descriptor, &event);
}

/** All that nghttp2 has to say, in as few sends as it takes. */
void flush(Connection& connection) {
  std::string& rest = connection.rest;
  const uint8_t* part = nullptr;
  for (ssize_t bytes; (bytes = nghttp2_session_mem_send(connection.session, &part)) > 0;) {
    rest.append(reinterpret_cast<const char*>(part), static_cast<size_t>(bytes));
  }
  size_t sent = 0;
  while (sent < rest.size()) {
    const ssize_t took = send(connection.descriptor, rest.data() + sent, rest.size() - sent, MSG_NOSIGNAL);
    if (took < 0 && errno == EAGAIN) break;
    if (took < 0 && errno != EINTR) stop(std::string("etcd's connection broke: ") + std::strerror(errno) + ".");
    if (took > 0) sent += static_cast<size_t>(took);
  }
  rest.erase(0, sent);
  if (connection.wantsRoom == !rest.empty()) return;
  connection.wantsRoom = !rest.empty();
  epoll_event event{connection.wantsRoom ? uint32_t{EPOLLIN | EPOLLOUT} : uint32_t{EPOLLIN}, {&connection}};
  epoll_ctl(connection.load->poll, EPOLL_CTL_MOD, connection.descriptor, &event);
}

/**
 * One call at a time while keys are written first: etcd 3.4 copies its buffer of uncommitted writes for every read, and
 * keeps that buffer as large as the fastest burst of writes has made it.
 */
void refill(Connection& connection) {
  const Load& load = *connection.load;
  const uint32_t most = load.phase == Phase::preload ? 1 : load.options.outstanding;
  while (connection.outstanding < most && issue(connection)) continue;
  flush(connection);
}

void turn(Load& load, std::vector<uint8_t>& room) {
  epoll_event events[64];
  const int count = epoll_wait(load.poll, events, 64, SILENCE_MILLIS_MAX);
  if (count == 0) stop("etcd does not answer any more.");
  for (int i = 0; i < count; ++i) {
    Connection& connection = *static_cast<Connection*>(events[i].data.ptr);
    const ssize_t got = recv(connection.descriptor, room.data(), room.size(), 0);
    if (got == 0) stop("etcd closed a connection.");
    if (got > 0) {
      const ssize_t read = nghttp2_session_mem_recv(connection.session, room.data(), static_cast<size_t>(got));
      if (read < 0) stop(std::string("etcd's answer is not HTTP/2: ") + nghttp2_strerror(static_cast<int>(read)) + ".");
    }
    refill(connection);
  }
}

double run(Load& load, std::vector<std::unique_ptr<Connection>>& connections) {
  std::vector<uint8_t> room(READ_BYTES);
  if (load.options.preload) {
    for (const auto& each : connections) refill(*each);
    while (load.preloadAnswered < load.options.keys) turn(load, room);
  }
  load.phase = Phase::run;
  for (const auto& each : connections) refill(*each);
  const int64_t begin = nanosNow() + static_cast<int64_t>(load.options.warmUp * 1e9);
  while (nanosNow() < begin) turn(load, room);
  load.tally.reset();
  const int64_t measured = nanosNow();
  const int64_t end = measured + static_cast<int64_t>(load.options.seconds * 1e9);
  while (nanosNow() < end) turn(load, room);
  return static_cast<double>(nanosNow() - measured) / 1e9;
}

int main(int argc, char** argv) {
  const Options given(argc, argv);
  static Load load{loadOptionsOf(given), {}};
  load.value.assign(load.options.valueBytes, '.');
  load.poll = epoll_create1(EPOLL_CLOEXEC);
  nghttp2_session_callbacks_new(&load.callbacks);
  nghttp2_session_callbacks_set_on_header_callback(load.callbacks, onHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(load.callbacks, onData);
  nghttp2_session_callbacks_set_on_stream_close_callback(load.callbacks, onClosed);
  std::vector<std::unique_ptr<Connection>> connections;
  for (uint32_t i = 0; i < load.options.connections; ++i) {
    connections.push_back(std::make_unique<Connection>());
    open(load, *connections.back(), load.options.servers[i % load.options.servers.size()]);
  }
  const double seconds = run(load, connections);
  printTally(load.tally, seconds);
  return load.tally.errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::main(argc, argv); }

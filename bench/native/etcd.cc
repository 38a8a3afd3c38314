/**
 * A load for etcd: gRPC over HTTP/2 by libnghttp2, with a number of calls outstanding on each of several connections.
 *
 * Why not what there is: etcdctl's `check perf` sends at a fixed rate, etcd's own `benchmark` tool is in no Debian
 * package, and a gRPC library spends more on a call than this does. HTTP/2 is pipelined by itself: a call is a stream.
 *
 * Usage: etcd --servers HOST:PORT,... [options of all loads]
 */
#include <nghttp2/nghttp2.h>

#include <memory>

#include "bench/native/etcd_wire.h"
#include "bench/native/run.h"
#include "bench/native/sockets.h"

namespace bench {
namespace {

constexpr int SILENCE_MILLIS_MAX = 20'000;
constexpr int32_t WINDOW_BYTES = 1 << 24;
constexpr size_t READ_BYTES = 1 << 17;

struct Load;

struct Connection {
  Load* load = nullptr;
  Wire wire{};
  std::string authority{};
  nghttp2_session* session = nullptr;
  uint32_t outstanding = 0;
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
  Run run;
  std::string value;
  nghttp2_session_callbacks* callbacks = nullptr;
  Watch watch{"etcd", SILENCE_MILLIS_MAX};
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

/** False when nothing is left to be asked in this phase. */
bool issue(Connection& connection) {
  Load& load = *connection.load;
  const std::optional<Drawn> drawn = draw(load.run);
  if (!drawn) return false;
  char key[8];
  writeKey(drawn->id, key);
  const std::string_view name(key, sizeof key);
  const bool isWrite = drawn->isWrite;
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
  const Load& load = *connection.load;
  Run& run = connection.load->run;
  const std::unique_ptr<Call> call(static_cast<Call*>(nghttp2_session_get_stream_user_data(session, stream)));
  if (call == nullptr) return 0;
  --connection.outstanding;
  // A read that found the key brings its value along.
  const bool ok = call->isOk && (call->isWrite || call->received > load.value.size());
  if (!ok) {
    ++run.tally.errors;
  } else if (run.phase == Phase::run) {
    ++(call->isWrite ? run.tally.writes : run.tally.reads);
    run.tally.latency.record(nanosNow() - call->issuedAt);
  }
  if (run.phase == Phase::preload) ++run.preloadAnswered;
  return 0;
}

void open(Load& load, Connection& connection, const Place& place) {
  connection.load = &load;
  connection.authority = place.host + ":" + place.port;
  dial(load.watch, connection.wire, place, &connection);
  nghttp2_session_client_new(&connection.session, load.callbacks, &connection);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES}};
  nghttp2_submit_settings(connection.session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(connection.session, NGHTTP2_FLAG_NONE, 0, WINDOW_BYTES);
}

/** All that nghttp2 has to say, in as few sends as it takes. */
void flush(Connection& connection) {
  const uint8_t* part = nullptr;
  for (ssize_t bytes; (bytes = nghttp2_session_mem_send(connection.session, &part)) > 0;) {
    connection.wire.out.append(reinterpret_cast<const char*>(part), static_cast<size_t>(bytes));
  }
  sendOut(connection.load->watch, connection.wire);
}

/**
 * One call at a time while keys are written first: etcd 3.4 copies its buffer of uncommitted writes for every read, and
 * keeps that buffer as large as the fastest burst of writes has made it.
 */
void refill(Connection& connection) {
  const Run& run = connection.load->run;
  const uint32_t most = run.phase == Phase::preload ? 1 : run.options.outstanding;
  while (connection.outstanding < most && issue(connection)) continue;
  flush(connection);
}

void turn(Load& load, std::vector<uint8_t>& room) {
  awaitEvents(load.watch, [&](void* owner, uint32_t) {
    Connection& connection = *static_cast<Connection*>(owner);
    const size_t got = receive(load.watch, connection.wire, room.data(), room.size());
    if (got > 0) {
      const ssize_t read = nghttp2_session_mem_recv(connection.session, room.data(), got);
      if (read < 0) stop(std::string("etcd's answer is not HTTP/2: ") + nghttp2_strerror(static_cast<int>(read)) + ".");
    }
    refill(connection);
  });
}

int main(int argc, char** argv) {
  const Options given(argc, argv);
  static Load load{{loadOptionsOf(given)}, {}};
  const LoadOptions& options = load.run.options;
  load.value.assign(options.valueBytes, '.');
  nghttp2_session_callbacks_new(&load.callbacks);
  nghttp2_session_callbacks_set_on_header_callback(load.callbacks, onHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(load.callbacks, onData);
  nghttp2_session_callbacks_set_on_stream_close_callback(load.callbacks, onClosed);
  std::vector<std::unique_ptr<Connection>> connections;
  for (uint32_t i = 0; i < options.connections; ++i) {
    connections.push_back(std::make_unique<Connection>());
    open(load, *connections.back(), serverOf(options, i));
  }
  std::vector<uint8_t> room(READ_BYTES);
  const auto start = [&] {
    for (const auto& each : connections) refill(*each);
  };
  return drive(load.run, start, [&] { turn(load, room); });
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::main(argc, argv); }

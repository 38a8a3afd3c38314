// The N-API face of front/server.h: numbers in, a number out.
//
// The front works on the machine of the same thread: it is closed before it.
#include <uv.h>

#include <memory>
#include <string>

#include "front/server.h"
#include "verbs-addon/binding_calls.h"
#include "verbs-addon/binding_machine.h"
#include "verbs-addon/binding_values.h"
#include "verbs-addon/bindings.h"

namespace {

using binding::MachineShell;
using binding::u64;

struct FrontShell {
  uint32_t functions = 0;
  std::unique_ptr<front::Server> server;  // null once closed
  MachineShell* machine = nullptr;
  Napi::ObjectReference kept;  // the machine's object

  bool isOpen() const { return server != nullptr && machine->isOpen(); }
};

uint32_t receive(FrontShell& shell, const double* numbers) {
  return shell.server->receive(numbers[1] != 0, numbers[2] != 0, u64(numbers[0]));
}

/** Bit 0: there is more to do at once; bit 1: statistics are wanted. */
uint32_t flush(FrontShell& shell, const double*) {
  const bool busy = shell.server->flush();
  return (busy ? 1u : 0u) | (shell.server->front().wantsTold() ? 2u : 0u);
}

uint32_t dismiss(FrontShell& shell, const double*) {
  shell.server->front().dismiss();
  return 0;
}

uint32_t connections(FrontShell& shell, const double*) {
  return static_cast<uint32_t>(shell.server->front().connections);
}

/** tell(general, settings, replication): lines of a name, a blank and a value. */
napi_value tell(napi_env env, napi_callback_info info) {
  napi_value values[3];
  size_t count = 3;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  auto* const shell = static_cast<FrontShell*>(data);
  const auto text = [&](size_t i) {
    const Napi::Value value(env, values[i]);
    return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
  };
  if (shell->isOpen()) shell->server->front().tell({text(0), text(1), text(2)});
  return nullptr;
}

/** Idempotent. */
napi_value close(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto* const shell = static_cast<FrontShell*>(data);
  machine::require(shell->server == nullptr || shell->machine->isOpen(), "front: it is closed before its machine");
  if (shell->server != nullptr) shell->server->front().dismiss();
  shell->server.reset();
  shell->kept.Reset();
  return nullptr;
}

struct Given {
  front::FrontSettings front{};
  front::ServerSettings server;
  bool watchesLoop = false;
};

bool readSettings(const Napi::Value& value, Given& given, endpoint::Failure& failure) {
  if (!value.IsObject()) return endpoint::fail(failure, "BAD_ARGUMENT", "settings is an object");
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value slab = object.Get("slab");
  if (!slab.IsArrayBuffer()) return endpoint::fail(failure, "BAD_ARGUMENT", "slab is an ArrayBuffer");
  given.front.slab = static_cast<uint8_t*>(slab.As<Napi::ArrayBuffer>().Data());
  bool good = true;
  binding::Reader reader(object, failure, good);
  given.front.slotOffset = reader.integer("slotOffset", 0, UINT32_MAX);
  given.front.datagramBytes =
      reader.integer("datagramBytes", wire::DATAGRAM_BYTES_MIN, wire::DATAGRAM_BYTES_MAX);
  given.front.link = reader.integer("link", 0, UINT32_MAX);
  given.front.sessionWindow = reader.integer("sessionWindow", 1, UINT32_MAX);
  given.front.sessionMillis = u64(reader.number("sessionMillis", 0, binding::INTEGER_MAX));
  given.front.waitMillis = u64(reader.number("waitMillis", 1, binding::INTEGER_MAX));
  given.front.tellsReads = reader.integer("tellsReads", 0, 1) != 0;
  given.server.host = reader.text("host");
  given.server.port = static_cast<uint16_t>(reader.integer("port", 0, UINT16_MAX));
  given.server.path = reader.text("path");
  given.server.connectionsMax = reader.integer("connectionsMax", 1, UINT32_MAX);
  given.server.idleMillis = u64(reader.number("idleMillis", 0, binding::INTEGER_MAX));
  given.server.credentials = reader.text("credentials");
  given.watchesLoop = reader.integer("watchesLoop", 0, 1) != 0;
  return good;
}

MachineShell* shellOf(const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  const Napi::Value shell = value.As<Napi::Object>().Get(binding::MACHINE_SHELL);
  return shell.IsExternal() ? shell.As<Napi::External<MachineShell>>().Data() : nullptr;
}

/** While the owner waits for datagrams, the event loop's own sockets (TLS) end the wait. */
void watchLoop(napi_env env, front::Server& server) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) == napi_ok) server.alsoWatch(uv_backend_fd(loop));
}

/** openFront(machine, settings): an object of functions, with `descriptor` and `port`. */
Napi::Value openFront(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Given given;
  endpoint::Failure failure;
  MachineShell* const machine = shellOf(info[0]);
  const bool open = machine != nullptr && machine->isOpen();
  if (!open) endpoint::fail(failure, "BAD_ARGUMENT", "a front needs an open machine");
  if (!open || !readSettings(info[1], given, failure)) {
    binding::throwFailure(env, failure);
    return env.Undefined();
  }
  std::string error;
  auto server = front::Server::open(*machine->machine, given.front, given.server, error);
  if (server == nullptr) {
    endpoint::fail(failure, "BAD_ARGUMENT", error);
    binding::throwFailure(env, failure);
    return env.Undefined();
  }
  if (given.watchesLoop) watchLoop(env, *server);
  Napi::Object object = Napi::Object::New(env);
  object.Set("descriptor", server->descriptor());
  object.Set("port", server->port());
  auto* const shell =
      new FrontShell{0, std::move(server), machine, Napi::Persistent(info[0].As<Napi::Object>())};
  binding::addFunction(env, object, "receive", binding::call<FrontShell, 3, receive, 2>, shell);
  binding::addFunction(env, object, "flush", binding::call<FrontShell, 0, flush>, shell);
  binding::addFunction(env, object, "dismiss", binding::call<FrontShell, 0, dismiss>, shell);
  binding::addFunction(env, object, "connections", binding::call<FrontShell, 0, connections>, shell);
  binding::addFunction(env, object, "tell", tell, shell);
  binding::addFunction(env, object, "close", close, shell);
  return object;
}

}  // namespace

void initFront(Napi::Env env, Napi::Object exports) {
  exports.Set("openFront", Napi::Function::New<openFront>(env, "openFront"));
}

// The N-API face of machine/machine.h: numbers in, a number out.
//
// Row arrays and counters are JavaScript's own memory, lent to the machine: they outlive it. The
// slab belongs to the endpoint; the machine is closed before it.
#include <memory>
#include <string>

#include "machine/layouts.h"
#include "machine/machine.h"
#include "verbs-addon/binding_calls.h"
#include "verbs-addon/binding_machine.h"
#include "verbs-addon/binding_values.h"
#include "verbs-addon/bindings.h"

namespace {

using binding::u32;
using binding::u64;
using binding::MachineShell;
using machine::Machine;

// Functions that return nothing return 0.

uint32_t linkOpen(MachineShell& shell, const double* numbers) {
  shell.machine->linkOpen(u32(numbers[0]), u64(numbers[1]));
  return 0;
}
uint32_t linkClose(MachineShell& shell, const double* numbers) {
  shell.machine->linkClose(u32(numbers[0]));
  return 0;
}
uint32_t request(MachineShell& shell, const double* numbers) {
  return static_cast<uint32_t>(shell.machine->request(u32(numbers[0]), u32(numbers[1])));
}
uint32_t repliesClose(MachineShell& shell, const double*) { return shell.machine->repliesClose(); }
uint32_t replyFree(MachineShell& shell, const double* numbers) {
  shell.machine->replyFree(u32(numbers[0]));
  return 0;
}
uint32_t packBegin(MachineShell& shell, const double* numbers) {
  shell.machine->packBegin(u32(numbers[0]), u32(numbers[1]), u64(numbers[2]), numbers[3] != 0);
  return 0;
}
uint32_t forwarded(MachineShell& shell, const double* numbers) {
  return static_cast<uint32_t>(shell.machine->forwarded(u32(numbers[0])));
}
bool packTick(MachineShell& shell, const double*) { return shell.machine->packTick(); }
uint32_t packEnd(MachineShell& shell, const double*) { return shell.machine->packEnd(); }
uint32_t apply(MachineShell& shell, const double* numbers) {
  shell.machine->apply(u32(numbers[0]));
  return 0;
}
uint64_t applied(MachineShell& shell, const double*) { return shell.machine->applied(); }
uint64_t forwardApplied(MachineShell& shell, const double*) {
  return shell.machine->forwardApplied();
}
bool snapshotBegin(MachineShell& shell, const double*) { return shell.machine->snapshotBegin(); }
uint32_t snapshotNext(MachineShell& shell, const double* numbers) {
  return shell.machine->snapshotNext(u32(numbers[0]), u32(numbers[1]));
}
uint32_t snapshotEnd(MachineShell& shell, const double*) {
  shell.machine->snapshotEnd();
  return 0;
}
uint32_t restoreBegin(MachineShell& shell, const double*) {
  shell.machine->restoreBegin();
  return 0;
}
bool restorePart(MachineShell& shell, const double* numbers) {
  return shell.machine->restorePart(u32(numbers[0]), u32(numbers[1]));
}
bool restoreEnd(MachineShell& shell, const double*) { return shell.machine->restoreEnd(); }
uint32_t reset(MachineShell& shell, const double*) {
  shell.machine->reset();
  return 0;
}

template <uint64_t (Machine::*DIGEST)() const>
napi_value digestText(napi_env env, napi_callback_info info) {
  const MachineShell* const shell = binding::nativeOf<MachineShell>(env, info);
  if (shell == nullptr) return nullptr;
  const auto digest = static_cast<unsigned long long>((shell->machine.get()->*DIGEST)());
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", digest);
  return Napi::String::New(env, text);
}

/** Idempotent. */
napi_value close(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto* const shell = static_cast<MachineShell*>(data);
  shell->machine.reset();
  shell->kept.Reset();
  return nullptr;
}

bool readSlab(const Napi::Object& given, machine::Settings& settings, endpoint::Failure& failure) {
  const Napi::Value slab = given.Get("slab");
  if (slab.IsEmpty() || !slab.IsArrayBuffer()) {
    return endpoint::fail(failure, "BAD_ARGUMENT", "slab is an ArrayBuffer");
  }
  settings.slab = static_cast<uint8_t*>(slab.As<Napi::ArrayBuffer>().Data());
  settings.slabBytes = slab.As<Napi::ArrayBuffer>().ByteLength();
  return true;
}

bool readSettings(const Napi::Value& value, machine::Settings& settings,
                  endpoint::Failure& failure) {
  if (!value.IsObject()) return endpoint::fail(failure, "BAD_ARGUMENT", "settings is an object");
  const Napi::Object given = value.As<Napi::Object>();
  if (!readSlab(given, settings, failure)) return false;
  bool good = true;
  binding::Reader reader(given, failure, good);
  settings.datagramBytes =
      reader.integer("datagramBytes", wire::DATAGRAM_BYTES_MIN, wire::DATAGRAM_BYTES_MAX);
  settings.replica = reader.integer("replica", 0, wire::ORIGIN_CLIENT - 1);
  settings.replyOffset = reader.integer("replyOffset", 0, UINT32_MAX);
  settings.replySlots = reader.integer("replySlots", 1, UINT32_MAX);
  settings.linksMax = reader.integer("linksMax", 1, UINT32_MAX);
  settings.sessionsMax = reader.integer("sessionsMax", 1, UINT32_MAX);
  settings.sessionWindow = reader.integer("sessionWindow", 1, UINT32_MAX);
  if (reader.has("sessionMicros")) {
    const double micros = reader.number("sessionMicros", 0, binding::INTEGER_MAX);
    settings.sessionMicros = static_cast<uint64_t>(micros);
  }
  settings.storeBytes = static_cast<uint64_t>(reader.number("storeBytes", 0, binding::INTEGER_MAX));
  if (reader.has("evict")) settings.evict = reader.integer("evict", 0, 1) != 0;
  settings.rows = reader.integer("rows", 2, 1u << 20);
  return good;
}

void addFunctions(Napi::Env env, Napi::Object object, MachineShell* shell) {
  const struct {
    const char* name;
    napi_callback callback;
  } functions[] = {
      {"linkOpen", binding::call<MachineShell, 2, linkOpen>},
      {"linkClose", binding::call<MachineShell, 1, linkClose>},
      {"request", binding::call<MachineShell, 2, request>},
      {"repliesClose", binding::call<MachineShell, 0, repliesClose>},
      {"replyFree", binding::call<MachineShell, 1, replyFree>},
      {"packBegin", binding::call<MachineShell, 4, packBegin, 1>},
      {"forwarded", binding::call<MachineShell, 1, forwarded>},
      {"packTick", binding::call<MachineShell, 0, packTick>},
      {"packEnd", binding::call<MachineShell, 0, packEnd>},
      {"apply", binding::call<MachineShell, 1, apply>},
      {"applied", binding::call<MachineShell, 0, applied>},
      {"forwardApplied", binding::call<MachineShell, 0, forwardApplied>},
      {"snapshotBegin", binding::call<MachineShell, 0, snapshotBegin>},
      {"snapshotNext", binding::call<MachineShell, 2, snapshotNext>},
      {"snapshotEnd", binding::call<MachineShell, 0, snapshotEnd>},
      {"restoreBegin", binding::call<MachineShell, 0, restoreBegin>},
      {"restorePart", binding::call<MachineShell, 2, restorePart>},
      {"restoreEnd", binding::call<MachineShell, 0, restoreEnd>},
      {"reset", binding::call<MachineShell, 0, reset>},
      {"digest", digestText<&Machine::digest>},
      {"sessionsDigest", digestText<&Machine::sessionsDigest>},
      {"close", close},
  };
  for (const auto& each : functions)
    binding::addFunction(env, object, each.name, each.callback, shell);
}

/** openMachine(settings): an object of functions, with the row arrays. */
Napi::Value openMachine(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  machine::Settings settings{};
  endpoint::Failure failure;
  if (!readSettings(info[0], settings, failure)) {
    binding::throwFailure(env, failure);
    return env.Undefined();
  }
  const auto packRows = Napi::Uint32Array::New(env, size_t{settings.rows} * machine::ROW_WORDS);
  const auto replyRows = Napi::Uint32Array::New(env, size_t{settings.rows} * machine::ROW_WORDS);
  const auto applyRows = Napi::Uint32Array::New(env, settings.rows);
  const auto counters = Napi::Float64Array::New(env, machine::COUNTERS);
  settings.packRows = Napi::Uint32Array(packRows).Data();
  settings.replyRows = Napi::Uint32Array(replyRows).Data();
  settings.applyRows = Napi::Uint32Array(applyRows).Data();
  settings.counters = Napi::Float64Array(counters).Data();
  std::string error;
  auto made = Machine::create(settings, error);
  if (made == nullptr) {
    endpoint::fail(failure, "BAD_ARGUMENT", error);
    binding::throwFailure(env, failure);
    return env.Undefined();
  }
  Napi::Object kept = Napi::Object::New(env);
  Napi::Object object = Napi::Object::New(env);
  kept.Set("slab", info[0].As<Napi::Object>().Get("slab"));
  for (Napi::Object each : {kept, object}) {
    each.Set("packRows", packRows);
    each.Set("replyRows", replyRows);
    each.Set("applyRows", applyRows);
    each.Set("counters", counters);
  }
  auto* const shell = new MachineShell{0, std::move(made), Napi::Persistent(kept)};
  addFunctions(env, object, shell);
  object.Set(binding::MACHINE_SHELL, Napi::External<MachineShell>::New(env, shell));
  return object;
}

Napi::Value machineCounterNames(const Napi::CallbackInfo& info) {
  Napi::Array names = Napi::Array::New(info.Env(), machine::COUNTERS);
  for (uint32_t i = 0; i < machine::COUNTERS; ++i) names.Set(i, machine::COUNTER_NAMES[i]);
  return names;
}

/** {HEADER: {size, fields: {magic: [offset, bytes], ...}}, ...} as in src/zab/wire.ts. */
Napi::Value wireLayouts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object layouts = Napi::Object::New(env);
  for (const machine::StructLayout& each : machine::wireLayouts()) {
    Napi::Object fields = Napi::Object::New(env);
    for (const machine::FieldLayout& field : each.fields) {
      Napi::Array place = Napi::Array::New(env, 2);
      place.Set(0u, field.offset);
      place.Set(1u, field.bytes);
      fields.Set(field.name, place);
    }
    Napi::Object layout = Napi::Object::New(env);
    layout.Set("size", each.size);
    layout.Set("fields", fields);
    layouts.Set(each.name, layout);
  }
  return layouts;
}

/** {MAGIC: 0x6b7a, 'KIND.PROPOSE': 1, ...}. */
Napi::Value wireConstants(const Napi::CallbackInfo& info) {
  Napi::Object constants = Napi::Object::New(info.Env());
  for (const machine::Constant& each : machine::wireConstants())
    constants.Set(each.name, each.value);
  return constants;
}

}  // namespace

void initMachine(Napi::Env env, Napi::Object exports) {
  exports.Set("openMachine", Napi::Function::New<openMachine>(env, "openMachine"));
  exports.Set("machineCounterNames",
              Napi::Function::New<machineCounterNames>(env, "machineCounterNames"));
  exports.Set("wireLayouts", Napi::Function::New<wireLayouts>(env, "wireLayouts"));
  exports.Set("wireConstants", Napi::Function::New<wireConstants>(env, "wireConstants"));
}

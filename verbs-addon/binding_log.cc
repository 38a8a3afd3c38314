// The N-API face of wal/log.h: numbers in, a number out. MISUSE is asserted by src/store/open-log.ts.
//
// Fields and counters are JavaScript's own memory, lent to the log: they outlive it. The slab belongs to
// the endpoint; the log is closed before it.
#include <memory>
#include <string>

#include "machine/wire.h"
#include "verbs-addon/binding_calls.h"
#include "verbs-addon/binding_log.h"
#include "verbs-addon/binding_values.h"
#include "verbs-addon/bindings.h"
#include "verbs-addon/wake.h"
#include "wal/log.h"

namespace binding {

void throwLogFailure(Napi::Env env, const wal::Failure& failure) {
  throwFailure(env, {failure.code, failure.error, failure.syscall, failure.sentence});
}

void showRecord(double* fields, const wal::Record& record, const wal::Position& position) {
  const wal::RecordHeader& header = record.header;
  const auto put = [fields](LogField field, uint64_t value) {
    fields[static_cast<uint32_t>(field)] = static_cast<double>(value);
  };
  put(LogField::counter, header.counter);
  put(LogField::count, header.count);
  put(LogField::epoch, header.epoch);
  put(LogField::previous, header.previous);
  put(LogField::time, header.time);
  put(LogField::committed, header.committed);
  put(LogField::bytes, header.payloadBytes);
  put(LogField::ordinal, header.ordinal);
  put(LogField::accepted, position.accepted);
  put(LogField::current, position.current);
  put(LogField::lastCounter, position.lastCounter);
}

}  // namespace binding

namespace {

using binding::LogField;
using binding::u32;
using binding::u64;

constexpr int64_t MISUSE = 99;

struct LogShell {
  uint32_t functions = 0;
  endpoint::Wake wake;  // a duplicate, so that its number stays this eventfd's; it goes after the log
  std::unique_ptr<wal::Log> log;  // null once closed
  bool isAppending = false;
  uint8_t* slab = nullptr;
  uint64_t slabBytes = 0;
  double* fields = nullptr;
  double* counters = nullptr;
  Napi::ObjectReference kept;  // what the log points into

  bool isOpen() const { return log != nullptr; }
  bool inSlab(double offset, double bytes) const {
    return offset + bytes <= static_cast<double>(slabBytes);
  }
  double& field(LogField field) const { return fields[static_cast<uint32_t>(field)]; }
};

int64_t replayNext(LogShell& shell, const double* numbers) {
  if (shell.isAppending || !shell.inSlab(numbers[0], numbers[1])) return MISUSE;
  wal::Record record;
  const uint16_t kind = shell.log->replayNext(u64(numbers[1]), record);
  shell.isAppending = kind == wal::kind::END;
  if (kind == wal::kind::NO_ROOM) return kind;
  if (kind == wal::kind::END || kind == wal::kind::DAMAGE) record = {};
  if (kind == wal::kind::ENTRY)
    std::memcpy(shell.slab + u64(numbers[0]), record.payload, record.header.payloadBytes);
  binding::showRecord(shell.fields, record, shell.log->replay().position());
  shell.field(LogField::cutBytes) = static_cast<double>(shell.log->replay().tornBytes());
  return kind;
}

int64_t discardAfterDamage(LogShell& shell, const double*) {
  return shell.isAppending ? MISUSE : shell.log->discardAfterDamage();
}

int64_t appendEntry(LogShell& shell, const double* numbers) {
  constexpr uint32_t BYTES_MIN = wire::OVERHEAD_BYTES;
  const bool isWhole = numbers[1] >= BYTES_MIN && numbers[1] <= wire::DATAGRAM_BYTES_MAX;
  if (!shell.isAppending || !isWhole || !shell.inSlab(numbers[0], numbers[1])) return MISUSE;
  const uint8_t* const payload = shell.slab + u64(numbers[0]) + sizeof(wire::Header);
  const auto propose = wire::load<wire::Propose>(payload);
  wal::RecordHeader header{};
  header.kind = wal::kind::ENTRY;
  header.payloadBytes = u32(numbers[1]) - uint32_t{sizeof(wire::Header)};
  header.counter = u64(numbers[2]);
  header.count = u32(numbers[3]);
  header.epoch = u32(numbers[4]);
  header.committed = u64(numbers[5]);
  header.time = propose.time;
  header.previous = propose.previous;
  return shell.log->append(header, payload);
}

int64_t appendPlain(LogShell& shell, uint16_t kind, double counter, double epoch, double previous) {
  if (!shell.isAppending) return MISUSE;
  wal::RecordHeader header{};
  header.kind = kind;
  header.counter = u64(counter);
  header.epoch = u32(epoch);
  header.previous = u32(previous);
  return shell.log->append(header, nullptr);
}
int64_t appendEpochs(LogShell& shell, const double* numbers) {
  return appendPlain(shell, wal::kind::EPOCHS, 0, numbers[1], numbers[0]);
}
int64_t appendTruncate(LogShell& shell, const double* numbers) {
  return appendPlain(shell, wal::kind::TRUNCATE, numbers[0], 0, 0);
}
int64_t appendBase(LogShell& shell, const double* numbers) {
  return appendPlain(shell, wal::kind::BASE, numbers[0], numbers[1], 0);
}

int64_t flush(LogShell& shell, const double*) {
  shell.log->flush();
  return 0;
}
uint64_t appended(LogShell& shell, const double*) { return shell.log->appended(); }
uint64_t durable(LogShell& shell, const double*) { return shell.log->durable(); }
uint32_t status(LogShell& shell, const double*) { return shell.log->status(); }

int64_t snapshotBegin(LogShell& shell, const double* numbers) {
  const bool isWriting = shell.log->snapshotState() == wal::snapshot_state::WRITING;
  if (!shell.isAppending || isWriting) return MISUSE;
  shell.log->snapshotBegin({u64(numbers[0]), u32(numbers[1])});
  return 0;
}
int64_t snapshotPart(LogShell& shell, const double* numbers) {
  const bool fits = numbers[1] > 0 && numbers[1] <= shell.log->snapshotPartBytesMax();
  if (!shell.isAppending || !fits || !shell.inSlab(numbers[0], numbers[1])) return MISUSE;
  return shell.log->snapshotPart(shell.slab + u64(numbers[0]), u32(numbers[1]));
}
int64_t snapshotFinish(LogShell& shell, const double*) {
  shell.log->snapshotFinish();
  return 0;
}
int64_t snapshotAbandon(LogShell& shell, const double*) {
  shell.log->snapshotAbandon();
  return 0;
}
uint32_t snapshotState(LogShell& shell, const double*) { return shell.log->snapshotState(); }
int64_t snapshotOpen(LogShell& shell, const double*) {
  if (!shell.log->snapshotOpen()) return 0;
  shell.field(LogField::counter) = static_cast<double>(shell.log->snapshot().header().counter);
  shell.field(LogField::epoch) = shell.log->snapshot().header().epoch;
  shell.field(LogField::bytes) = static_cast<double>(shell.log->snapshot().bytes());
  return 1;
}
int64_t snapshotRead(LogShell& shell, const double* numbers) {
  if (!shell.inSlab(numbers[0], numbers[1])) return wal::SnapshotReader::NO_ROOM;
  return shell.log->snapshotRead(shell.slab + u64(numbers[0]), u64(numbers[1]));
}

napi_value error(napi_env env, napi_callback_info info) {
  LogShell* const shell = binding::nativeOf<LogShell>(env, info);
  if (shell == nullptr) return nullptr;
  return Napi::String::New(env, shell->log->error());
}

/** Idempotent. */
napi_value close(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto* const shell = static_cast<LogShell*>(data);
  shell->log.reset();
  shell->wake.close();
  shell->kept.Reset();
  return nullptr;
}

bool readSettings(const Napi::Object& given, wal::Settings& settings, LogShell& shell,
                  endpoint::Failure& failure) {
  constexpr double BUFFER_BYTES_MAX = double{1u << 30} * 4;
  const Napi::Value slab = given.Get("slab");
  if (slab.IsEmpty() || !slab.IsArrayBuffer())
    return endpoint::fail(failure, "BAD_ARGUMENT", "slab is an ArrayBuffer");
  shell.slab = static_cast<uint8_t*>(slab.As<Napi::ArrayBuffer>().Data());
  shell.slabBytes = slab.As<Napi::ArrayBuffer>().ByteLength();
  bool good = true;
  binding::Reader reader(given, failure, good);
  settings.directory = reader.text("directory");
  settings.identity.cluster = reader.text("cluster");
  settings.identity.replica = reader.integer("replica", 0, wire::ORIGIN_CLIENT - 1);
  settings.isSync = reader.integer("sync", 0, 1) == 1;
  settings.bufferBytes =
      static_cast<uint64_t>(reader.number("bufferBytes", 256 << 10, BUFFER_BYTES_MAX));
  settings.segmentBytes =
      reader.integer("segmentBytes", wal::SEGMENT_BYTES_MIN, wal::SEGMENT_BYTES_MAX);
  settings.snapshotBufferBytes = reader.integer("snapshotBufferBytes", 4096, 1 << 30);
  settings.faultSync = reader.integer("faultSync", 0, UINT32_MAX);
  const double wake = reader.number("wakeHandle", -1, INT32_MAX);
  if (!good || (wake >= 0 && !shell.wake.duplicate(static_cast<int>(wake), failure))) return false;
  settings.wake = shell.wake.descriptor();
  return true;
}

void addFunctions(Napi::Env env, Napi::Object object, LogShell* shell) {
  const struct {
    const char* name;
    napi_callback callback;
  } functions[] = {
      {"replayNext", binding::call<LogShell, 2, replayNext>},
      {"discardAfterDamage", binding::call<LogShell, 0, discardAfterDamage>},
      {"appendEntry", binding::call<LogShell, 6, appendEntry>},
      {"appendEpochs", binding::call<LogShell, 2, appendEpochs>},
      {"appendTruncate", binding::call<LogShell, 1, appendTruncate>},
      {"appendBase", binding::call<LogShell, 2, appendBase>},
      {"flush", binding::call<LogShell, 0, flush>},
      {"appended", binding::call<LogShell, 0, appended>},
      {"durable", binding::call<LogShell, 0, durable>},
      {"status", binding::call<LogShell, 0, status>},
      {"error", error},
      {"snapshotBegin", binding::call<LogShell, 2, snapshotBegin>},
      {"snapshotPart", binding::call<LogShell, 2, snapshotPart>},
      {"snapshotFinish", binding::call<LogShell, 0, snapshotFinish>},
      {"snapshotState", binding::call<LogShell, 0, snapshotState>},
      {"snapshotAbandon", binding::call<LogShell, 0, snapshotAbandon>},
      {"snapshotOpen", binding::call<LogShell, 0, snapshotOpen>},
      {"snapshotRead", binding::call<LogShell, 2, snapshotRead>},
      {"close", close},
  };
  for (const auto& each : functions)
    binding::addFunction(env, object, each.name, each.callback, shell);
}

/** openLog(settings): an object of functions, with fields and counters. */
Napi::Value openLog(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto shell = std::make_unique<LogShell>();
  wal::Settings settings;
  endpoint::Failure wrong;
  if (!info[0].IsObject()) endpoint::fail(wrong, "BAD_ARGUMENT", "settings is an object");
  const bool good =
      info[0].IsObject() && readSettings(info[0].As<Napi::Object>(), settings, *shell, wrong);
  if (!good) {
    binding::throwFailure(env, wrong);
    return env.Undefined();
  }
  const auto fields = Napi::Float64Array::New(env, binding::LOG_FIELDS);
  const auto counters = Napi::Float64Array::New(env, wal::COUNTERS);
  shell->fields = Napi::Float64Array(fields).Data();
  settings.counters = Napi::Float64Array(counters).Data();
  wal::Failure failure;
  shell->log = wal::Log::open(settings, failure);
  if (shell->log == nullptr) {
    binding::throwLogFailure(env, failure);
    return env.Undefined();
  }
  Napi::Object kept = Napi::Object::New(env);
  Napi::Object object = Napi::Object::New(env);
  kept.Set("slab", info[0].As<Napi::Object>().Get("slab"));
  for (Napi::Object each : {kept, object}) {
    each.Set("fields", fields);
    each.Set("counters", counters);
  }
  object.Set("snapshotPartBytesMax", shell->log->snapshotPartBytesMax());
  shell->kept = Napi::Persistent(kept);
  addFunctions(env, object, shell.release());
  return object;
}

template <const char* const* NAMES, uint32_t COUNT>
Napi::Value names(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env(), COUNT);
  for (uint32_t i = 0; i < COUNT; ++i) list.Set(i, NAMES[i]);
  return list;
}

}  // namespace

void initLog(Napi::Env env, Napi::Object exports) {
  exports.Set("openLog", Napi::Function::New<openLog>(env, "openLog"));
  exports.Set("logCounterNames",
              Napi::Function::New<names<wal::COUNTER_NAMES, wal::COUNTERS>>(env, "logCounterNames"));
  exports.Set("logFieldNames", Napi::Function::New<names<binding::LOG_FIELD_NAMES,
                                                         binding::LOG_FIELDS>>(env, "logFieldNames"));
}

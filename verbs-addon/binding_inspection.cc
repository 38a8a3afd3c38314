// A data directory read without changing it: the N-API face of wal/replay.h, for zabkv inspect.
#include <memory>

#include "verbs-addon/binding_calls.h"
#include "verbs-addon/binding_log.h"
#include "verbs-addon/binding_values.h"
#include "verbs-addon/bindings.h"
#include "wal/replay.h"
#include "wal/snapshot_reader.h"

namespace {

/** Elements of `place`: where the record lies that was read last, and what follows it. */
enum Place : uint32_t { PLACE_SEGMENT, PLACE_OFFSET, PLACE_END, PLACE_TORN_BYTES, PLACES };

struct InspectionShell {
  uint32_t functions = 0;
  std::unique_ptr<wal::Replay> replay;
  double* fields = nullptr;
  double* place = nullptr;
  Napi::ObjectReference kept;

  bool isOpen() const { return replay != nullptr; }
};

uint32_t next(InspectionShell& shell, const double*) {
  wal::Record record;
  wal::Replay& replay = *shell.replay;
  const uint16_t kind = replay.next(wal::PAYLOAD_BYTES_MAX, record);
  const bool isDamage = kind == wal::kind::DAMAGE;
  if (kind == wal::kind::END || isDamage) record = {};
  binding::showRecord(shell.fields, record, replay.position());
  const bool isOpen = replay.segment() != nullptr;
  shell.place[PLACE_SEGMENT] =
      static_cast<double>(isDamage ? replay.damagedNumber() : isOpen ? replay.segment()->number : 0);
  shell.place[PLACE_OFFSET] =
      static_cast<double>(isDamage ? replay.damagedOffset() : record.offset);
  shell.place[PLACE_END] = static_cast<double>(replay.offset());
  shell.place[PLACE_TORN_BYTES] = static_cast<double>(replay.tornBytes());
  return kind;
}

napi_value problem(napi_env env, napi_callback_info info) {
  InspectionShell* const shell = binding::nativeOf<InspectionShell>(env, info);
  if (shell == nullptr) return nullptr;
  return Napi::String::New(env, shell->replay->problem());
}

template <typename Each>
Napi::Array listOf(Napi::Env env, const std::vector<Each>& from) {
  Napi::Array list = Napi::Array::New(env, from.size());
  for (uint32_t i = 0; i < from.size(); ++i) list.Set(i, Napi::Value::From(env, from[i]));
  return list;
}

Napi::Array snapshotsOf(Napi::Env env, const std::string& directory, const std::string& cluster,
                         const wal::Listing& listing) {
  Napi::Array list = Napi::Array::New(env, listing.snapshots.size());
  for (uint32_t i = 0; i < listing.snapshots.size(); ++i) {
    const wal::SnapshotName& name = listing.snapshots[i];
    wal::SnapshotReader reader;
    const bool good = reader.open(directory, cluster, name) && reader.verify();
    Napi::Object snapshot = Napi::Object::New(env);
    snapshot.Set("file", wal::snapshotName(name));
    snapshot.Set("counter", static_cast<double>(name.counter));
    snapshot.Set("epoch", name.epoch);
    snapshot.Set("bytes", static_cast<double>(reader.isOpen() ? reader.bytes() : 0));
    snapshot.Set("problem", env.Null());
    if (!good) snapshot.Set("problem", reader.problem());
    list.Set(i, snapshot);
  }
  return list;
}

/** openInspection(directory): what lies there by name, and next() for its records. */
Napi::Value openInspection(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string directory = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
  wal::Identity identity;
  wal::Listing listing;
  wal::Failure failure;
  if (!wal::listDirectory(directory, listing, failure) ||
      !wal::readMeta(directory, identity, failure)) {
    binding::throwLogFailure(env, failure);
    return env.Undefined();
  }
  const auto fields = Napi::Float64Array::New(env, binding::LOG_FIELDS);
  const auto place = Napi::Float64Array::New(env, PLACES);
  Napi::Object object = Napi::Object::New(env);
  Napi::Object kept = Napi::Object::New(env);
  object.Set("cluster", identity.cluster);
  object.Set("replica", identity.replica);
  object.Set("segments", listOf(env, listing.segments));
  object.Set("setAside", listOf(env, listing.damaged));
  object.Set("snapshots", snapshotsOf(env, directory, identity.cluster, listing));
  for (Napi::Object each : {object, kept}) {
    each.Set("fields", fields);
    each.Set("place", place);
  }
  auto* const shell = new InspectionShell;
  shell->fields = Napi::Float64Array(fields).Data();
  shell->place = Napi::Float64Array(place).Data();
  shell->replay = std::make_unique<wal::Replay>(directory, identity, std::move(listing));
  shell->kept = Napi::Persistent(kept);
  binding::addFunction(env, object, "next", binding::call<InspectionShell, 0, next>, shell);
  binding::addFunction(env, object, "problem", problem, shell);
  return object;
}

}  // namespace

void initInspection(Napi::Env env, Napi::Object exports) {
  exports.Set("openInspection", Napi::Function::New<openInspection>(env, "openInspection"));
}

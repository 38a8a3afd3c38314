#include "verbs-addon/binding_endpoint.h"

#include <algorithm>

#include "verbs-addon/binding_settings.h"
#include "verbs-addon/binding_values.h"
#include "verbs-addon/bindings.h"

namespace binding {

using endpoint::Failure;

void EndpointObject::init(Napi::Env env, Napi::Object exports) {
  exports.Set(
      "Endpoint",
      DefineClass(env, "Endpoint",
                  {
                      InstanceMethod<&EndpointObject::rxBurst>("rxBurst"),
                      InstanceMethod<&EndpointObject::postReceives>("postReceives"),
                      InstanceMethod<&EndpointObject::txBurst>("txBurst"),
                      InstanceMethod<&EndpointObject::flush>("flush"),
                      InstanceMethod<&EndpointObject::wait>("wait"),
                      InstanceMethod<&EndpointObject::waitBeside>("waitBeside"),
                      InstanceMethod<&EndpointObject::setSpin>("setSpin"),
                      InstanceMethod<&EndpointObject::local>("local"),
                      InstanceMethod<&EndpointObject::addDestination>("addDestination"),
                      InstanceMethod<&EndpointObject::adoptSource>("adoptSource"),
                      InstanceMethod<&EndpointObject::removeDestination>("removeDestination"),
                      InstanceMethod<&EndpointObject::addGroup>("addGroup"),
                      InstanceMethod<&EndpointObject::wakeHandle>("wakeHandle"),
                      InstanceMethod<&EndpointObject::watch>("watch"),
                      InstanceMethod<&EndpointObject::unwatch>("unwatch"),
                      InstanceMethod<&EndpointObject::beat>("beat"),
                      InstanceMethod<&EndpointObject::close>("close"),
                  }));
}

EndpointObject::EndpointObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<EndpointObject>(info) {
  Failure failure;
  if (!open(info[0], failure)) {
    throwFailure(info.Env(), failure);
    return;
  }
  describe(info.Env(), info.This().As<Napi::Object>());
}

EndpointObject::~EndpointObject() { shut(); }

bool EndpointObject::open(const Napi::Value& given, Failure& failure) {
  std::string kind;
  if (!readSettings(given, kind, settings_, failure)) return false;
  if (kind != "udp" && kind != "verbs") {
    return endpoint::fail(failure, "BAD_ARGUMENT", "provider is 'udp' or 'verbs'");
  }
  const bool udp = kind == "udp";
  layout_ = endpoint::layOut(settings_, udp ? endpoint::udpRxBytes : endpoint::verbsRxBytes);
  if (layout_.bytes >= endpoint::SLAB_BYTES_MAX) {
    return endpoint::fail(failure, "BAD_ARGUMENT",
                          "a slab is smaller than 4 GiB: lower extraBytes, slots or queues");
  }
  slab_ = endpoint::Slab::create(layout_.bytes, failure);
  if (slab_ == nullptr) return false;
  layout_.base = slab_->base();
  counts_ = std::make_shared<std::array<double, endpoint::COUNTERS>>();
  const endpoint::Counters counting(counts_->data());
  provider_ = udp ? endpoint::openUdp(settings_, layout_, counting, failure)
                  : endpoint::openVerbs(settings_, layout_, counting, failure);
  return provider_ != nullptr;
}

namespace {

// The buffer shares the life of what it shows: a view that outlives the endpoint's object stays
// valid.
template <typename Owner>
Napi::ArrayBuffer share(Napi::Env env, void* data, size_t bytes,
                        const std::shared_ptr<Owner>& owner) {
  auto* keeper = new std::shared_ptr<Owner>(owner);
  const auto release = [](Napi::Env, void*, std::shared_ptr<Owner>* kept) { delete kept; };
  return Napi::ArrayBuffer::New(env, data, bytes, release, keeper);
}

}  // namespace

// What TypeScript reads once to make its views.
void EndpointObject::describe(Napi::Env env, Napi::Object self) {
  Napi::ArrayBuffer slab = share(env, slab_->base(), slab_->bytes(), slab_);
  slabBuffer_ = Napi::Persistent(slab);
  Napi::Array rxRows = Napi::Array::New(env);
  Napi::Array rxBytes = Napi::Array::New(env);
  for (uint32_t queue = 0; queue < settings_.queues.size(); queue++) {
    rxRows.Set(queue, static_cast<double>(layout_.queues[queue].rxRowsOffset));
    rxBytes.Set(queue, provider_->rxBytes(queue));
  }
  self.Set("slab", slab);
  self.Set("counters", share(env, counts_->data(), sizeof(*counts_), counts_));
  self.Set("txOffset", static_cast<double>(layout_.txOffset));
  self.Set("extraOffset", static_cast<double>(layout_.extraOffset));
  self.Set("txRowsOffset", static_cast<double>(layout_.txRowsOffset));
  self.Set("rxRowsOffsets", rxRows);
  self.Set("rxBytes", rxBytes);
  self.Set("inlineBytesMax", provider_->inlineBytesMax());
  self.Set("hugepages", slab_->hugepages());
}

// --- data path
// ---------------------------------------------------------------------------------------------

int64_t EndpointObject::queueOf(const Napi::CallbackInfo& info) const {
  if (provider_ == nullptr) return endpoint::MISUSE_CLOSED;
  const int64_t queue = wholeOf(info[0]);
  const bool known = queue >= 0 && queue < static_cast<int64_t>(settings_.queues.size());
  return known ? queue : endpoint::MISUSE_QUEUE;
}

Napi::Value EndpointObject::rxBurst(const Napi::CallbackInfo& info) {
  int64_t result = queueOf(info);
  if (result == 0 && beats_ != nullptr) beats_->seen();
  if (result >= 0) result = provider_->rxBurst(static_cast<uint32_t>(result));
  if (watch_ != nullptr) watch_->rearm();
  return Napi::Number::New(info.Env(), static_cast<double>(result));
}

Napi::Value EndpointObject::postReceives(const Napi::CallbackInfo& info) {
  const int64_t queue = queueOf(info);
  if (queue >= 0) provider_->postReceives(static_cast<uint32_t>(queue));
  return Napi::Number::New(info.Env(), static_cast<double>(queue));
}

Napi::Value EndpointObject::txBurst(const Napi::CallbackInfo& info) {
  int64_t result = queueOf(info);
  if (result >= 0) {
    const int64_t count = wholeOf(info[1]);
    const bool fits = count >= 0 && count <= static_cast<int64_t>(settings_.txRows);
    result = fits ? provider_->txBurst(static_cast<uint32_t>(result), static_cast<uint32_t>(count))
                  : endpoint::MISUSE_ROW;
  }
  return Napi::Number::New(info.Env(), static_cast<double>(result));
}

Napi::Value EndpointObject::flush(const Napi::CallbackInfo& info) {
  if (provider_ != nullptr) provider_->flush();
  return Napi::Number::New(info.Env(), provider_ != nullptr ? 0 : endpoint::MISUSE_CLOSED);
}

Napi::Value EndpointObject::wait(const Napi::CallbackInfo& info) {
  int64_t result = endpoint::MISUSE_CLOSED;
  if (provider_ != nullptr) {
    const double micros = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
    const double limit = micros > 0 ? std::min<double>(micros, endpoint::WAIT_MICROS_MAX) : 0;
    if (beats_ != nullptr) beats_->enterWait();
    result = provider_->wait(static_cast<uint32_t>(limit), spinMicros_);
    if (beats_ != nullptr) beats_->seen();
  }
  return Napi::Number::New(info.Env(), static_cast<double>(result));
}

Napi::Value EndpointObject::setSpin(const Napi::CallbackInfo& info) {
  const double micros = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  spinMicros_ =
      static_cast<uint32_t>(micros > 0 ? std::min<double>(micros, endpoint::WAIT_MICROS_MAX) : 0);
  return info.Env().Undefined();
}

// --- setup
// -------------------------------------------------------------------------------------------------

bool EndpointObject::openNow(Napi::Env env) const {
  if (provider_ != nullptr) return true;
  Failure failure;
  endpoint::fail(failure, "CLOSED", "the endpoint is closed");
  throwFailure(env, failure);
  return false;
}

Napi::Value EndpointObject::local(const Napi::CallbackInfo& info) {
  if (!openNow(info.Env())) return info.Env().Undefined();
  Failure failure;
  endpoint::QueueAddress address;
  const int64_t queue = queueOf(info);
  bool good = queue >= 0 || endpoint::fail(failure, "BAD_ARGUMENT", "there is no such queue");
  good = good && provider_->local(static_cast<uint32_t>(queue), address, failure);
  if (good) return showAddress(info.Env(), address);
  throwFailure(info.Env(), failure);
  return info.Env().Undefined();
}

Napi::Value EndpointObject::addDestination(const Napi::CallbackInfo& info) {
  if (!openNow(info.Env())) return info.Env().Undefined();
  Failure failure;
  endpoint::QueueAddress address;
  int64_t destination = -1;
  if (readAddress(info[0], address, failure))
    destination = provider_->addDestination(address, failure);
  if (destination < 0) throwFailure(info.Env(), failure);
  return Napi::Number::New(info.Env(), static_cast<double>(destination));
}

Napi::Value EndpointObject::adoptSource(const Napi::CallbackInfo& info) {
  if (!openNow(info.Env())) return info.Env().Undefined();
  Failure failure;
  const int64_t queue = queueOf(info);
  const int64_t row = wholeOf(info[1]);
  int64_t destination = -1;
  if (queue < 0 || row < 0) {
    endpoint::fail(failure, "BAD_ARGUMENT",
                   "adoptSource takes a queue and a row of its last burst");
  } else {
    destination =
        provider_->adoptSource(static_cast<uint32_t>(queue), static_cast<uint32_t>(row), failure);
  }
  if (destination < 0) throwFailure(info.Env(), failure);
  return Napi::Number::New(info.Env(), static_cast<double>(destination));
}

Napi::Value EndpointObject::removeDestination(const Napi::CallbackInfo& info) {
  if (!openNow(info.Env())) return info.Env().Undefined();
  const int64_t destination = wholeOf(info[0]);
  const bool known =
      destination >= 0 && provider_->removeDestination(static_cast<uint32_t>(destination));
  return Napi::Boolean::New(info.Env(), known);
}

Napi::Value EndpointObject::addGroup(const Napi::CallbackInfo& info) {
  if (!openNow(info.Env())) return info.Env().Undefined();
  Failure failure;
  const int64_t port = wholeOf(info[1]);
  int64_t destination = -1;
  if (!info[0].IsString() || port < 1 || port > 65535) {
    endpoint::fail(failure, "BAD_ARGUMENT",
                   "addGroup takes a group's address and a port from 1 to 65535");
  } else {
    const std::string group = info[0].As<Napi::String>().Utf8Value();
    destination = provider_->addGroup(group, static_cast<uint16_t>(port), failure);
  }
  if (destination < 0) throwFailure(info.Env(), failure);
  return Napi::Number::New(info.Env(), static_cast<double>(destination));
}

// Made when it is first asked for: an endpoint of one thread has no descriptor more to poll.
Napi::Value EndpointObject::wakeHandle(const Napi::CallbackInfo& info) {
  if (!openNow(info.Env())) return info.Env().Undefined();
  Failure failure;
  if (watch_ != nullptr && wake_.descriptor() < 0) {
    endpoint::fail(failure, "BAD_ARGUMENT",
                   "ask for the wake handle before the endpoint is watched");
  } else if (wake_.open(failure)) {
    provider_->wakeBy(wake_.descriptor());
    return Napi::Number::New(info.Env(), wake_.descriptor());
  }
  throwFailure(info.Env(), failure);
  return info.Env().Undefined();
}

Napi::Value EndpointObject::waitBeside(const Napi::CallbackInfo& info) {
  if (!openNow(info.Env())) return info.Env().Undefined();
  const int64_t descriptor = wholeOf(info[0]);
  provider_->waitBeside(descriptor > INT32_MAX ? -1 : static_cast<int>(descriptor));
  return info.Env().Undefined();
}

Napi::Value EndpointObject::watch(const Napi::CallbackInfo& info) {
  if (!openNow(info.Env())) return info.Env().Undefined();
  Failure failure;
  if (!info[0].IsFunction()) {
    endpoint::fail(failure, "BAD_ARGUMENT", "watch takes a function");
  } else if (watch_ != nullptr) {
    endpoint::fail(failure, "BAD_ARGUMENT", "the endpoint is watched already: unwatch it first");
  } else {
    watch_ = Watch::start(info.Env(), *provider_, info[0].As<Napi::Function>(), failure);
    if (watch_ != nullptr) {
      Ref();  // a watched endpoint is not garbage
      return info.Env().Undefined();
    }
  }
  throwFailure(info.Env(), failure);
  return info.Env().Undefined();
}

void EndpointObject::stopWatch() {
  if (watch_ == nullptr) return;
  watch_->stop();
  watch_ = nullptr;
  Unref();
}

Napi::Value EndpointObject::unwatch(const Napi::CallbackInfo& info) {
  stopWatch();
  return info.Env().Undefined();
}

void EndpointObject::shut() {
  beats_.reset();  // its thread sends with what the provider has open
  provider_.reset();
  wake_.close();
  slab_.reset();
}

Napi::Value EndpointObject::close(const Napi::CallbackInfo& info) {
  stopWatch();
  shut();
  if (!slabBuffer_.IsEmpty()) {
    slabBuffer_.Value().Detach();  // no view of JavaScript's can reach the memory any more
    slabBuffer_.Reset();
  }
  return info.Env().Undefined();
}

}  // namespace binding

void initEndpoint(Napi::Env env, Napi::Object exports) {
  binding::EndpointObject::init(env, exports);
}

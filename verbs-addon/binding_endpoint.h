// The N-API face of an endpoint. One object of the environment that made it; integers in, integers
// out.
#pragma once

#include <napi.h>

#include <array>
#include <memory>

#include "verbs-addon/beats.h"
#include "verbs-addon/endpoint.h"
#include "verbs-addon/layout.h"
#include "verbs-addon/slab.h"
#include "verbs-addon/wake.h"
#include "verbs-addon/binding_watch.h"

namespace binding {

class EndpointObject final : public Napi::ObjectWrap<EndpointObject> {
 public:
  static void init(Napi::Env env, Napi::Object exports);
  explicit EndpointObject(const Napi::CallbackInfo& info);
  ~EndpointObject() override;

 private:
  bool open(const Napi::Value& given, endpoint::Failure& failure);
  void describe(Napi::Env env, Napi::Object self);

  // Data path: a count, or one of endpoint::MISUSE_*.
  Napi::Value rxBurst(const Napi::CallbackInfo& info);
  Napi::Value postReceives(const Napi::CallbackInfo& info);
  Napi::Value txBurst(const Napi::CallbackInfo& info);
  Napi::Value flush(const Napi::CallbackInfo& info);
  Napi::Value wait(const Napi::CallbackInfo& info);
  Napi::Value setSpin(const Napi::CallbackInfo& info);

  // Setup: throws.
  Napi::Value local(const Napi::CallbackInfo& info);
  Napi::Value addDestination(const Napi::CallbackInfo& info);
  Napi::Value adoptSource(const Napi::CallbackInfo& info);
  Napi::Value removeDestination(const Napi::CallbackInfo& info);
  Napi::Value addGroup(const Napi::CallbackInfo& info);
  Napi::Value wakeHandle(const Napi::CallbackInfo& info);
  Napi::Value waitBeside(const Napi::CallbackInfo& info);
  Napi::Value watch(const Napi::CallbackInfo& info);
  Napi::Value unwatch(const Napi::CallbackInfo& info);
  Napi::Value beat(const Napi::CallbackInfo& info);  // binding_beats.cc
  Napi::Value close(const Napi::CallbackInfo& info);

  int64_t queueOf(const Napi::CallbackInfo& info) const;
  bool openNow(Napi::Env env) const;
  bool readyToBeat(endpoint::Failure& failure);
  void stopWatch();
  void shut();

  endpoint::Settings settings_;
  endpoint::Layout layout_;
  std::shared_ptr<endpoint::Slab> slab_;
  std::shared_ptr<std::array<double, endpoint::COUNTERS>>
      counts_;           // JavaScript reads them after close, too
  endpoint::Wake wake_;  // the provider waits on it: it goes after the provider
  std::unique_ptr<endpoint::Provider> provider_;  // null once closed
  std::unique_ptr<endpoint::Beats> beats_;  // from the first beat() on; uses the provider's sockets
  Napi::Reference<Napi::ArrayBuffer> slabBuffer_;
  Watch* watch_ = nullptr;
  uint32_t spinMicros_ = 0;
};

}  // namespace binding

// The N-API face of wake.h for who signals: openWaker(handle) gives {signal(), close()}.
#include <memory>

#include "verbs-addon/binding_calls.h"
#include "verbs-addon/binding_values.h"
#include "verbs-addon/bindings.h"
#include "verbs-addon/wake.h"

namespace {

struct WakerShell {
  uint32_t functions = 0;
  endpoint::Wake wake;

  bool isOpen() const { return wake.descriptor() >= 0; }
};

uint32_t signal(WakerShell& shell, const double*) {
  shell.wake.signal();
  return 0;
}

/** Idempotent. */
napi_value close(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  static_cast<WakerShell*>(data)->wake.close();
  return nullptr;
}

Napi::Value openWaker(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto shell = std::make_unique<WakerShell>();
  endpoint::Failure failure;
  const int handle = info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : -1;
  if (!shell->wake.duplicate(handle, failure)) {
    binding::throwFailure(env, failure);
    return env.Undefined();
  }
  Napi::Object object = Napi::Object::New(env);
  WakerShell* const native = shell.release();
  binding::addFunction(env, object, "signal", binding::call<WakerShell, 0, signal>, native);
  binding::addFunction(env, object, "close", close, native);
  return object;
}

}  // namespace

void initWake(Napi::Env env, Napi::Object exports) {
  exports.Set("openWaker", Napi::Function::New<openWaker>(env, "openWaker"));
}

// The addon's front door: registers its parts in each environment that loads it (main thread or
// worker).
//
// No part keeps file-scope state: what lives, lives in objects of the environment that made them.
#include <napi.h>

#include "verbs-addon/bindings.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  initEndpoint(env, exports);
  initWake(env, exports);
  initProbe(env, exports);
  initMachine(env, exports);
  initFront(env, exports);
  initCodec(env, exports);
  initLog(env, exports);
  initInspection(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(zabkv, init)

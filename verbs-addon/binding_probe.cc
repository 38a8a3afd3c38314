// Facts about the machine and the addon, as plain data.
#include <napi.h>

#include "verbs-addon/binding_values.h"
#include "verbs-addon/bindings.h"
#include "verbs-addon/counters.h"
#include "verbs-addon/probe.h"

namespace {

using endpoint::Failure;

std::string textOf(const Napi::CallbackInfo& info, size_t index) {
  return info[index].IsString() ? info[index].As<Napi::String>().Utf8Value() : "";
}

uint32_t numberOf(const Napi::CallbackInfo& info, size_t index) {
  return info[index].IsNumber() ? info[index].As<Napi::Number>().Uint32Value() : 0;
}

Napi::Value orThrow(Napi::Env env, int64_t value, const Failure& failure) {
  if (value < 0) {
    binding::throwFailure(env, failure);
    return env.Undefined();
  }
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Value counterNames(const Napi::CallbackInfo& info) {
  Napi::Array names = Napi::Array::New(info.Env());
  for (uint32_t index = 0; index < endpoint::COUNTERS; index++)
    names.Set(index, endpoint::COUNTER_NAMES[index]);
  return names;
}

// (provider, address, device): the largest datagram that passes in one piece.
Napi::Value datagramBytes(const Napi::CallbackInfo& info) {
  Failure failure;
  const bool verbs = textOf(info, 0) == "verbs";
  const int64_t bytes =
      verbs ? endpoint::verbsDatagramBytes(textOf(info, 1), textOf(info, 2), failure)
            : endpoint::udpDatagramBytes(textOf(info, 1), failure);
  return orThrow(info.Env(), bytes, failure);
}

// (address, group, patience in milliseconds): microseconds until the echo.
Napi::Value multicastEcho(const Napi::CallbackInfo& info) {
  Failure failure;
  const int64_t micros =
      endpoint::multicastEcho(textOf(info, 0), textOf(info, 1), numberOf(info, 2), failure);
  return orThrow(info.Env(), micros, failure);
}

Napi::Value udpAbilities(const Napi::CallbackInfo& info) {
  const endpoint::UdpAbilities abilities = endpoint::udpAbilities(numberOf(info, 0));
  Napi::Object shown = Napi::Object::New(info.Env());
  shown.Set("segmentation", abilities.segmentation);
  shown.Set("coalescing", abilities.coalescing);
  shown.Set("receiveBytes", abilities.receiveBytes);
  shown.Set("sendBytes", abilities.sendBytes);
  shown.Set("privileged", abilities.privileged);
  return shown;
}

Napi::Object showPort(Napi::Env env, const endpoint::RdmaPort& port) {
  Napi::Object shown = Napi::Object::New(env);
  shown.Set("device", port.device);
  shown.Set("port", port.port);
  shown.Set("state", port.state);
  shown.Set("linkLayer", port.linkLayer);
  shown.Set("mtuBytes", port.mtuBytes);
  shown.Set("lid", port.lid);
  shown.Set("qpsMax", port.qpsMax);
  shown.Set("interface", port.interface);
  Napi::Array gids = Napi::Array::New(env);
  for (const endpoint::RdmaGid& each : port.gids) {
    Napi::Object gid = Napi::Object::New(env);
    gid.Set("index", each.index);
    gid.Set("gid", each.gid);
    gid.Set("type", each.type);
    gids.Set(gids.Length(), gid);
  }
  shown.Set("gids", gids);
  return shown;
}

Napi::Value rdmaPorts(const Napi::CallbackInfo& info) {
  Napi::Array ports = Napi::Array::New(info.Env());
  for (const endpoint::RdmaPort& port : endpoint::rdmaPorts())
    ports.Set(ports.Length(), showPort(info.Env(), port));
  return ports;
}

}  // namespace

void initProbe(Napi::Env env, Napi::Object exports) {
  exports.Set("verbsBuilt", Napi::Boolean::New(env, endpoint::verbsBuilt()));
  exports.Set("endpointCounterNames",
              Napi::Function::New<counterNames>(env, "endpointCounterNames"));
  exports.Set("datagramBytes", Napi::Function::New<datagramBytes>(env, "datagramBytes"));
  exports.Set("multicastEcho", Napi::Function::New<multicastEcho>(env, "multicastEcho"));
  exports.Set("udpAbilities", Napi::Function::New<udpAbilities>(env, "udpAbilities"));
  exports.Set("rdmaPorts", Napi::Function::New<rdmaPorts>(env, "rdmaPorts"));
}

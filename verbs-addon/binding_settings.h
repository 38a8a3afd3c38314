// Settings of an endpoint, and addresses of queues, read from and shown to JavaScript.
#pragma once

#include <napi.h>

#include "verbs-addon/endpoint.h"

namespace binding {

bool readSettings(const Napi::Value& given, std::string& provider, endpoint::Settings& settings,
                  endpoint::Failure& failure);
bool readAddress(const Napi::Value& given, endpoint::QueueAddress& address,
                 endpoint::Failure& failure);
Napi::Object showAddress(Napi::Env env, const endpoint::QueueAddress& address);

}  // namespace binding

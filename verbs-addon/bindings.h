// One init function for each part of the addon: it adds that part's classes and functions to the
// exports.
#pragma once

#include <napi.h>

void initEndpoint(Napi::Env env, Napi::Object exports);
void initWake(Napi::Env env, Napi::Object exports);
void initProbe(Napi::Env env, Napi::Object exports);
void initMachine(Napi::Env env, Napi::Object exports);
void initFront(Napi::Env env, Napi::Object exports);
void initCodec(Napi::Env env, Napi::Object exports);
void initLog(Napi::Env env, Napi::Object exports);
void initInspection(Napi::Env env, Napi::Object exports);

// Values between JavaScript and C++ for setup calls: checked reading of settings, errors with code,
// errno, syscall.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "verbs-addon/failure.h"

namespace binding {

// Makes the failure the pending JavaScript exception.
void throwFailure(Napi::Env env, const endpoint::Failure& failure);

// -1 for what is not a whole number from 0 to 2^32 - 1.
int64_t wholeOf(const Napi::Value& value);

// Reads properties of one settings object. The first wrong one is remembered; what follows reads as
// zero.
class Reader {
 public:
  Reader(Napi::Object object, endpoint::Failure& failure, bool& good)
      : object_(object), failure_(failure), good_(good) {}

  double number(const char* name, double min, double max);
  uint32_t integer(const char* name, double min, double max);
  std::string text(const char* name);
  Napi::Object object(const char* name);
  Napi::Array array(const char* name);
  std::vector<std::string> texts(const char* name);
  bool has(const char* name);

 private:
  Napi::Value get(const char* name);
  void wrong(const char* name, const std::string& wanted);

  Napi::Object object_;
  endpoint::Failure& failure_;
  bool& good_;
};

}  // namespace binding

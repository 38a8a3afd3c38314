#include "verbs-addon/binding_values.h"

#include <cmath>
#include <cstring>

namespace binding {

namespace {

std::string shown(double value) { return std::to_string(static_cast<int64_t>(value)); }

}  // namespace

int64_t wholeOf(const Napi::Value& value) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  return number >= 0 && number <= UINT32_MAX && number == std::floor(number)
             ? static_cast<int64_t>(number)
             : -1;
}

void throwFailure(Napi::Env env, const endpoint::Failure& failure) {
  std::string sentence = failure.sentence;
  if (failure.error != 0)
    sentence += std::string(" (") + failure.syscall + ": " + strerror(failure.error) + ")";
  Napi::Error error = Napi::Error::New(env, sentence);
  error.Set("code", Napi::String::New(env, failure.code));
  if (failure.error != 0) {
    const char* name = strerrorname_np(failure.error);
    error.Set("errno",
              Napi::String::New(env, name == nullptr ? std::to_string(failure.error) : name));
    error.Set("syscall", Napi::String::New(env, failure.syscall));
  }
  error.ThrowAsJavaScriptException();
}

Napi::Value Reader::get(const char* name) {
  return good_ ? object_.Get(name) : object_.Env().Undefined();
}

void Reader::wrong(const char* name, const std::string& wanted) {
  if (good_) endpoint::fail(failure_, "BAD_ARGUMENT", std::string(name) + " is " + wanted);
  good_ = false;
}

bool Reader::has(const char* name) {
  const Napi::Value value = get(name);
  return !value.IsEmpty() && !value.IsUndefined();
}

double Reader::number(const char* name, double min, double max) {
  const Napi::Value value = get(name);
  const double number =
      !value.IsEmpty() && value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (number >= min && number <= max) return number;
  wrong(name, "a number from " + shown(min) + " to " + shown(max));
  return min;
}

uint32_t Reader::integer(const char* name, double min, double max) {
  const double value = number(name, min, max);
  if (value == std::floor(value)) return static_cast<uint32_t>(value);
  wrong(name, "an integer from " + shown(min) + " to " + shown(max));
  return static_cast<uint32_t>(min);
}

std::string Reader::text(const char* name) {
  const Napi::Value value = get(name);
  if (!value.IsEmpty() && value.IsString()) return value.As<Napi::String>().Utf8Value();
  wrong(name, "a string");
  return "";
}

Napi::Object Reader::object(const char* name) {
  const Napi::Value value = get(name);
  if (!value.IsEmpty() && value.IsObject()) return value.As<Napi::Object>();
  wrong(name, "an object");
  return Napi::Object::New(object_.Env());
}

Napi::Array Reader::array(const char* name) {
  const Napi::Value value = get(name);
  if (!value.IsEmpty() && value.IsArray()) return value.As<Napi::Array>();
  wrong(name, "an array");
  return Napi::Array::New(object_.Env());
}

std::vector<std::string> Reader::texts(const char* name) {
  const Napi::Array list = array(name);
  std::vector<std::string> texts;
  for (uint32_t index = 0; index < list.Length(); index++) {
    const Napi::Value value = list.Get(index);
    if (value.IsEmpty() || !value.IsString()) {
      wrong(name, "an array of strings");
      return {};
    }
    texts.push_back(value.As<Napi::String>().Utf8Value());
  }
  return texts;
}

}  // namespace binding

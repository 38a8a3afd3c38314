/**
 * Calls of the data path: functions that share one native thing, numbers in, a number out.
 *
 * Each function carries the native thing as its data pointer, so that a call needs one look-up for
 * its arguments and none for `this`. The thing is freed when the last of its functions is.
 */
#pragma once

#include <napi.h>

#include <cstdint>
#include <type_traits>

namespace binding {

inline constexpr double INTEGER_MAX = 9007199254740991.0;

/** A number too large becomes one that no bound admits. */
inline uint32_t u32(double value) {
  return value > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(value);
}
inline uint64_t u64(double value) { return static_cast<uint64_t>(value); }

/** The native thing of a function without arguments; null, with an exception pending, when it is
 * closed. */
template <typename Native>
inline Native* nativeOf(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto* const native = static_cast<Native*>(data);
  if (native->isOpen()) return native;
  napi_throw_error(env, "CLOSED", "It is closed.");
  return nullptr;
}

inline napi_value shown(napi_env env, bool result) {
  napi_value value = nullptr;
  napi_get_boolean(env, result, &value);
  return value;
}
inline napi_value shown(napi_env env, double result) {
  napi_value value = nullptr;
  napi_create_double(env, result, &value);
  return value;
}

/** A function of the data path: COUNT integers from 0 to 2^53 - 1 to BODY, whose result goes back:
 * a boolean, or a number. The last FLAGS of them are booleans, false when they are left out. */
template <typename Native, uint32_t COUNT, auto BODY, uint32_t FLAGS = 0>
napi_value call(napi_env env, napi_callback_info info) {
  double numbers[COUNT + 1];  // one more, so that no arguments are no exception
  napi_value values[COUNT + 1];
  size_t count = COUNT;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  for (uint32_t i = COUNT - FLAGS; i < COUNT; ++i) {
    bool flag = false;
    napi_valuetype type = napi_undefined;
    const bool given = napi_get_value_bool(env, values[i], &flag) == napi_ok;
    if (!given && (napi_typeof(env, values[i], &type) != napi_ok || type != napi_undefined)) {
      napi_throw_type_error(env, "BAD_ARGUMENT", "The last arguments are booleans.");
      return nullptr;
    }
    numbers[i] = flag ? 1 : 0;
  }
  for (uint32_t i = 0; i < COUNT - FLAGS; ++i) {
    const bool number = napi_get_value_double(env, values[i], &numbers[i]) == napi_ok;
    if (number && numbers[i] >= 0 && numbers[i] <= INTEGER_MAX) continue;
    napi_throw_type_error(env, "BAD_ARGUMENT", "The arguments are integers from 0 to 2^53 - 1.");
    return nullptr;
  }
  auto* const native = static_cast<Native*>(data);
  if (!native->isOpen()) {
    napi_throw_error(env, "CLOSED", "It is closed.");
    return nullptr;
  }
  const auto result = BODY(*native, numbers);
  using Result = std::conditional_t<std::is_same_v<decltype(result), const bool>, bool, double>;
  return shown(env, static_cast<Result>(result));
}

/** Adds a function over `native` to an object. `native->functions` counts them. */
template <typename Native>
void addFunction(Napi::Env env, Napi::Object object, const char* name, napi_callback callback,
                 Native* native) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, native, &function);
  const auto release = [](napi_env, void* data, void*) {
    auto* const owned = static_cast<Native*>(data);
    if (--owned->functions == 0) delete owned;
  };
  ++native->functions;
  napi_add_finalizer(env, function, native, release, nullptr, nullptr);
  object.Set(name, Napi::Value(env, function));
}

}  // namespace binding

// Watches an endpoint with the loop's own poll handle: JavaScript is called once per wake-up, not
// per message.
//
// Lives until libuv has closed its handle, also when the environment is torn down meanwhile: stop()
// lets go of everything that belongs to the environment or the endpoint, the rest frees itself.
#pragma once

#include <napi.h>
#include <uv.h>

#include <memory>

#include "verbs-addon/endpoint.h"

namespace binding {

class Watch {
 public:
  // Null and a failure when a descriptor cannot be had. The provider must outlive stop().
  static Watch* start(Napi::Env env, endpoint::Provider& provider, Napi::Function callback,
                      endpoint::Failure& failure);
  // After a burst: wakes the loop again when datagrams wait here that no descriptor tells of.
  void rearm();
  // Idempotent. The watch must not be used afterwards.
  void stop();

 private:
  explicit Watch(Napi::Env env) : env_(env) {}
  ~Watch();
  bool open(const std::vector<int>& descriptors, endpoint::Failure& failure);
  void setPending(bool pending);
  void wake();

  static void onReadable(uv_poll_t* handle, int status, int events);
  static void onClosed(uv_handle_t* handle);
  static void onTeardown(napi_async_cleanup_hook_handle hook, void* watch);

  Napi::Env env_;
  endpoint::Provider* provider_ = nullptr;  // null once stopped
  Napi::FunctionReference callback_;
  Napi::ObjectReference
      resource_;  // what AsyncLocalStorage hangs its value on; the context holds it weakly
  std::unique_ptr<Napi::AsyncContext> context_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  uv_poll_t handle_{};
  int poll_ = -1;    // an epoll set over the endpoint's descriptors and `wakeup_`
  int wakeup_ = -1;  // an eventfd, readable while `pending_`
  bool pending_ = false;
  bool calling_ = false;
};

}  // namespace binding

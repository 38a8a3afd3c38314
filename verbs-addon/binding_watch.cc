#include "verbs-addon/binding_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "verbs-addon/wake.h"

namespace binding {

Watch* Watch::start(Napi::Env env, endpoint::Provider& provider, Napi::Function callback,
                    endpoint::Failure& failure) {
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
    endpoint::fail(failure, "DEVICE", "this environment has no event loop to watch with");
    return nullptr;
  }
  auto* watch = new Watch(env);
  std::vector<int> descriptors = provider.watchDescriptors();
  if (provider.wakeDescriptor() >= 0) descriptors.push_back(provider.wakeDescriptor());
  if (!watch->open(descriptors, failure)) {
    delete watch;
    return nullptr;
  }
  if (const int error = uv_poll_init(loop, &watch->handle_, watch->poll_); error != 0) {
    endpoint::failCall(failure, "uv_poll_init", -error, "the event loop cannot watch the endpoint");
    delete watch;
    return nullptr;
  }
  watch->handle_.data = watch;
  watch->provider_ = &provider;
  watch->callback_ = Napi::Persistent(callback);
  watch->resource_ = Napi::Persistent(Napi::Object::New(env));
  watch->context_ =
      std::make_unique<Napi::AsyncContext>(env, "zabkv:endpoint", watch->resource_.Value());
  napi_add_async_cleanup_hook(env, onTeardown, watch, &watch->hook_);
  uv_poll_start(&watch->handle_, UV_READABLE, onReadable);
  watch->rearm();
  return watch;
}

Watch::~Watch() {
  if (poll_ >= 0) close(poll_);
  if (wakeup_ >= 0) close(wakeup_);
}

bool Watch::open(const std::vector<int>& descriptors, endpoint::Failure& failure) {
  poll_ = epoll_create1(EPOLL_CLOEXEC);
  wakeup_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  bool good = poll_ >= 0 && wakeup_ >= 0;
  const auto add = [this](int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    return epoll_ctl(poll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
  };
  good = good && add(wakeup_);
  for (const int descriptor : descriptors) good = good && add(descriptor);
  return good || endpoint::failCall(failure, "epoll", errno,
                                    "no descriptors left: raise the limit 'ulimit -n'");
}

void Watch::setPending(bool pending) {
  if (pending == pending_) return;
  pending_ = pending;
  uint64_t value = 1;
  const ssize_t done =
      pending ? write(wakeup_, &value, sizeof(value)) : read(wakeup_, &value, sizeof(value));
  static_cast<void>(done);  // an eventfd of ours takes one and gives it back
}

void Watch::rearm() {
  if (provider_ != nullptr && !calling_) setPending(provider_->arm());
}

// Plain N-API, because an environment that is being torn down refuses every call and that is no
// error here.
void Watch::wake() {
  Napi::HandleScope scope(env_);
  provider_->woken();
  endpoint::takeWake(provider_->wakeDescriptor());
  calling_ = true;
  napi_value global = nullptr;
  napi_status status = napi_get_global(env_, &global);
  if (status == napi_ok)
    status = napi_make_callback(env_, *context_, global, callback_.Value(), 0, nullptr, nullptr);
  napi_value thrown = nullptr;
  if (status == napi_pending_exception &&
      napi_get_and_clear_last_exception(env_, &thrown) == napi_ok) {
    napi_fatal_exception(env_, thrown);
  }
  calling_ = false;
  rearm();  // unless the callback, or what it threw, stopped the watch
}

void Watch::onReadable(uv_poll_t* handle, int status, int) {
  auto* watch = static_cast<Watch*>(handle->data);
  if (status == 0 && watch->provider_ != nullptr) watch->wake();
}

void Watch::stop() {
  if (provider_ == nullptr) return;
  provider_ = nullptr;
  callback_.Reset();
  context_.reset();
  resource_.Reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_), onClosed);
}

void Watch::onClosed(uv_handle_t* handle) {
  auto* watch = static_cast<Watch*>(handle->data);
  napi_remove_async_cleanup_hook(watch->hook_);
  delete watch;
}

void Watch::onTeardown(napi_async_cleanup_hook_handle, void* watch) {
  static_cast<Watch*>(watch)->stop();
}

}  // namespace binding

// The N-API face of beats: beat() of an endpoint's object.
#include <vector>

#include "verbs-addon/binding_endpoint.h"
#include "verbs-addon/binding_values.h"
#include "verbs-addon/validate.h"

namespace binding {

using endpoint::Failure;

namespace {

// Arguments of beat(), in their order after the queue.
struct BeatArguments {
  uint32_t offset = 0;
  uint32_t bytes = 0;
  std::vector<uint32_t> destinations;
  uint32_t periodMicros = 0;
  uint32_t ageOffset = 0;
};

// The first `count` of a Uint32Array.
bool readDestinations(Napi::Env env, const Napi::Value& list, const Napi::Value& count,
                      std::vector<uint32_t>& destinations) {
  const int64_t wanted = wholeOf(count);
  if (!list.IsTypedArray() || wanted < 0 || wanted > endpoint::BEAT_PLACES_MAX) return false;
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  const napi_status status =
      napi_get_typedarray_info(env, list, &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok || type != napi_uint32_array || length < static_cast<size_t>(wanted))
    return false;
  const auto* first = static_cast<const uint32_t*>(data);
  destinations.assign(first, first + wanted);
  return true;
}

bool readBeat(const Napi::CallbackInfo& info, BeatArguments& given) {
  const auto whole = [&info](size_t at, uint32_t& into) {
    const int64_t value = wholeOf(info[at]);
    into = static_cast<uint32_t>(value);
    return value >= 0;
  };
  return whole(1, given.offset) && whole(2, given.bytes) &&
         readDestinations(info.Env(), info[3], info[4], given.destinations) &&
         whole(5, given.periodMicros) && whole(6, given.ageOffset);
}

bool periodFits(uint32_t micros) {
  return micros >= endpoint::BEAT_MICROS_MIN && micros <= endpoint::BEAT_MICROS_MAX;
}

}  // namespace

// Made at the first beat: who never beats pays neither for the thread nor for the clock.
bool EndpointObject::readyToBeat(Failure& failure) {
  if (beats_ != nullptr) return true;
  auto beats = std::make_unique<endpoint::Beats>(endpoint::Counters(counts_->data()));
  if (!beats->start(failure)) return false;
  beats_ = std::move(beats);
  provider_->beatBy(beats_.get());
  return true;
}

Napi::Value EndpointObject::beat(const Napi::CallbackInfo& info) {
  const auto answer = [&info](int64_t result) {
    return Napi::Number::New(info.Env(), static_cast<double>(result));
  };
  const int64_t queue = queueOf(info);
  if (queue < 0) return answer(queue);
  BeatArguments given;
  if (!readBeat(info, given)) return answer(endpoint::MISUSE_BEAT);
  if (given.destinations.empty()) {
    if (beats_ != nullptr) beats_->stop();
    return answer(0);
  }
  const endpoint::TxRow row{given.offset, given.bytes, 0, 0};
  if (!endpoint::rowFits(row, layout_.bytes, settings_.datagramBytes) ||
      !periodFits(given.periodMicros))
    return answer(endpoint::MISUSE_BEAT);
  const uint8_t* first = layout_.base + given.offset;
  std::vector<uint8_t> datagram(first, first + given.bytes);
  if (!endpoint::beatFits(datagram, given.ageOffset)) return answer(endpoint::MISUSE_BEAT);
  Failure failure;
  auto sender = provider_->beatSender(static_cast<uint32_t>(queue), given.destinations, failure);
  if (sender == nullptr || !readyToBeat(failure)) {
    throwFailure(info.Env(), failure);
    return info.Env().Undefined();
  }
  beats_->set(std::move(datagram), given.ageOffset, given.periodMicros, std::move(sender));
  return answer(0);
}

}  // namespace binding

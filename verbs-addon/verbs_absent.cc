// Stands in for the verbs provider where its headers were missing at build time.
#include "verbs-addon/endpoint.h"
#include "verbs-addon/probe.h"

namespace endpoint {

namespace {

constexpr const char* ADVICE =
    "this build has no verbs: install libibverbs-dev and librdmacm-dev, then run: npm run "
    "build:native";

}  // namespace

bool verbsBuilt() { return false; }

std::vector<RdmaPort> rdmaPorts() { return {}; }

std::unique_ptr<Provider> openVerbs(const Settings&, const Layout&, Counters, Failure& failure) {
  fail(failure, "NO_DEVICE", ADVICE);
  return nullptr;
}

uint64_t verbsRxBytes(const Settings&, const QueueSettings&) { return 0; }

int64_t verbsDatagramBytes(const std::string&, const std::string&, Failure& failure) {
  fail(failure, "NO_DEVICE", ADVICE);
  return -1;
}

}  // namespace endpoint

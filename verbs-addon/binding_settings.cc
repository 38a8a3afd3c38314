#include "verbs-addon/binding_settings.h"

#include "machine/wire.h"
#include "verbs-addon/binding_values.h"

namespace binding {

namespace {

constexpr double U32_MAX = 4294967295.0;
constexpr double PORT_MAX = 65535;
constexpr double SLOTS_MAX = 1 << 20;
constexpr double SOCKET_BYTES_MAX = 1 << 30;

endpoint::QueueSettings readQueue(Napi::Object given, endpoint::Failure& failure, bool& good) {
  Reader reader(given, failure, good);
  endpoint::QueueSettings queue;
  queue.port = static_cast<uint16_t>(reader.integer("port", 0, PORT_MAX));
  queue.rxSlots = reader.integer("rxSlots", 1, SLOTS_MAX);
  queue.socketBytes = reader.integer("socketBytes", 0, SOCKET_BYTES_MAX);
  if (reader.has("multicast")) {
    Reader multicast(reader.object("multicast"), failure, good);
    queue.groupPort = static_cast<uint16_t>(multicast.integer("port", 1, PORT_MAX));
    queue.groups = multicast.texts("groups");
  }
  return queue;
}

}  // namespace

bool readSettings(const Napi::Value& given, std::string& provider, endpoint::Settings& settings,
                  endpoint::Failure& failure) {
  if (!given.IsObject())
    return endpoint::fail(failure, "BAD_ARGUMENT", "an endpoint's settings are an object");
  bool good = true;
  Reader reader(given.As<Napi::Object>(), failure, good);
  provider = reader.text("provider");
  settings.address = reader.text("address");
  if (reader.has("device")) settings.device = reader.text("device");
  if (reader.has("gidIndex"))
    settings.gidIndex = static_cast<int>(reader.integer("gidIndex", 0, 255));
  settings.datagramBytes =
      reader.integer("datagramBytes", wire::DATAGRAM_ALIGN, wire::DATAGRAM_BYTES_MAX);
  settings.cluster = reader.integer("cluster", 0, U32_MAX);
  settings.txSlots = reader.integer("txSlots", 0, SLOTS_MAX);
  settings.txRows = reader.integer("txRows", 1, SLOTS_MAX);
  settings.extraBytes = reader.integer("extraBytes", 0, U32_MAX);
  if (reader.has("dropRatio")) settings.dropRatio = reader.number("dropRatio", 0, 1);
  if (reader.has("dropSeed")) settings.dropSeed = reader.integer("dropSeed", 0, U32_MAX);
  const Napi::Array queues = reader.array("queues");
  if (good && (queues.Length() == 0 || queues.Length() > endpoint::QUEUES_MAX)) {
    return endpoint::fail(failure, "BAD_ARGUMENT", "an endpoint has 1 to 8 queues");
  }
  for (uint32_t index = 0; good && index < queues.Length(); index++) {
    const Napi::Value queue = queues.Get(index);
    if (!queue.IsObject())
      return endpoint::fail(failure, "BAD_ARGUMENT", "a queue's settings are an object");
    settings.queues.push_back(readQueue(queue.As<Napi::Object>(), failure, good));
  }
  if (good && settings.datagramBytes % wire::DATAGRAM_ALIGN != 0) {
    return endpoint::fail(failure, "BAD_ARGUMENT", "datagramBytes is a multiple of 64");
  }
  return good;
}

bool readAddress(const Napi::Value& given, endpoint::QueueAddress& address,
                 endpoint::Failure& failure) {
  if (!given.IsObject())
    return endpoint::fail(failure, "BAD_ARGUMENT", "a queue's address is an object");
  bool good = true;
  Reader reader(given.As<Napi::Object>(), failure, good);
  address.provider = reader.text("provider");
  address.address = reader.text("address");
  address.port = reader.integer("port", 0, PORT_MAX);
  address.qpNumber = reader.integer("qpNumber", 0, 0xffffff);
  address.qkey = reader.integer("qkey", 0, U32_MAX);
  address.lid = reader.integer("lid", 0, 0xffff);
  address.gid = reader.text("gid");
  address.mtuBytes = reader.integer("mtuBytes", 0, U32_MAX);
  return good;
}

Napi::Object showAddress(Napi::Env env, const endpoint::QueueAddress& address) {
  Napi::Object shown = Napi::Object::New(env);
  shown.Set("provider", address.provider);
  shown.Set("address", address.address);
  shown.Set("port", address.port);
  shown.Set("qpNumber", address.qpNumber);
  shown.Set("qkey", address.qkey);
  shown.Set("lid", address.lid);
  shown.Set("gid", address.gid);
  shown.Set("mtuBytes", address.mtuBytes);
  return shown;
}

}  // namespace binding

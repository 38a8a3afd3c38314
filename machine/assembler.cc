#include "machine/assembler.h"

#include "machine/assert.h"

namespace machine {

namespace {

constexpr Executed BAD_REQUEST{wire::status::BAD_REQUEST, 0};
constexpr Executed NO_SPACE{wire::status::NO_SPACE, 0};

}  // namespace

void Assembler::begin(Assembly& assembly, uint32_t total) {
  drop(assembly);
  assembly.total = total;
  assembly.refusal = bytes_ + total > ASSEMBLIES_BYTES_MAX ? wire::status::FULL : 0;
  if (assembly.refusal != 0) return;
  assembly.bytes = std::make_unique_for_overwrite<uint8_t[]>(total);
  bytes_ += total;
}

void Assembler::drop(Assembly& assembly) {
  if (assembly.bytes != nullptr) {
    require(bytes_ >= assembly.total, "assembler: what is dropped was counted");
    bytes_ -= assembly.total;
  }
  assembly = Assembly{};
}

Executed Assembler::giveUp(Assembly& assembly) {
  drop(assembly);
  assembly.refusal = wire::status::NO_SPACE;
  return NO_SPACE;
}

bool Assembler::adopt(const Assembly& assembly) {
  if (assembly.bytes == nullptr) return true;
  if (bytes_ + assembly.total > ASSEMBLIES_BYTES_MAX) return false;
  bytes_ += assembly.total;
  return true;
}

Executed Assembler::fragment(Assembly& assembly, const uint8_t* at, const wire::Operation& head,
                             uint64_t version) {
  const auto fragment = wire::load<wire::Fragment>(at + sizeof(wire::Operation));
  const bool last = fragment.offset + head.valueBytes == fragment.total;
  if (fragment.offset == 0) {
    begin(assembly, fragment.total);
  } else if (assembly.refusal == wire::status::NO_SPACE) {
    if (last) drop(assembly);
    return NO_SPACE;
  } else if (assembly.total != fragment.total || assembly.received != fragment.offset) {
    drop(assembly);
    return BAD_REQUEST;
  }
  if (assembly.refusal != 0) {
    assembly.received += head.valueBytes;
    if (last) drop(assembly);
    return {wire::status::FULL, 0};
  }
  std::memcpy(assembly.bytes.get() + fragment.offset, at + keyOffset(head.kind), head.valueBytes);
  assembly.received += head.valueBytes;
  if (!last) return {wire::status::OK, version};
  const Executed executed = executeWide(assembly.bytes.get(), assembly.total, version);
  drop(assembly);
  return executed;
}

Executed Assembler::executeWide(const uint8_t* bytes, uint32_t total, uint64_t version) {
  if (total < sizeof(wire::Wide)) return BAD_REQUEST;
  const auto wide = wire::load<wire::Wide>(bytes);
  if (wide.keyBytes == 0 || wide.keyBytes > wire::KEY_BYTES_MAX) return BAD_REQUEST;
  const bool item = (TRAITS[wide.kind] & trait::ITEM) != 0;
  const uint32_t prefixBytes = item ? PREFIXES[wide.kind] : 0;
  if (sizeof(wire::Wide) + uint64_t{prefixBytes} + wide.keyBytes + wide.valueBytes != total ||
      wide.valueBytes > wire::VALUE_BYTES_MAX) {
    return BAD_REQUEST;
  }
  const uint8_t* const prefix = bytes + sizeof(wire::Wide);
  const uint8_t* const key = prefix + prefixBytes;
  const uint8_t* const value = key + wide.keyBytes;
  const uint64_t hash = mica::hashKey(key, wide.keyBytes);
  const mica::Attributes attributes{version};
  switch (wide.kind) {
    case wire::op::SET:
      return executedOf(store_.set(hash, key, wide.keyBytes, value, wide.valueBytes, attributes),
                        version);
    case wire::op::CREATE:
      return executedOf(store_.create(hash, key, wide.keyBytes, value, wide.valueBytes, attributes),
                        version);
    case wire::op::SET_IF:
      return executedOf(
          store_.setIf(wide.version, hash, key, wide.keyBytes, value, wide.valueBytes, attributes),
          version);
    case wire::op::STORE:
    case wire::op::STORE_IF:
      if (!validItem(prefix, wide.kind)) return BAD_REQUEST;
      return items_.execute({wide.kind, prefix, key, wide.keyBytes, value, wide.valueBytes, hash,
                             version});
    default:
      return BAD_REQUEST;
  }
}

}  // namespace machine

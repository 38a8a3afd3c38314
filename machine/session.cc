#include "machine/session.h"

namespace machine {

namespace {

template <typename Word>
void append(std::vector<uint8_t>& bytes, Word word) {
  const auto* from = reinterpret_cast<const uint8_t*>(&word);
  bytes.insert(bytes.end(), from, from + sizeof word);
}

}  // namespace

void serialize(const SessionState& state, std::vector<uint8_t>& bytes) {
  append(bytes, state.id);
  append(bytes, state.applied);
  append(bytes, state.answered);
  append(bytes, state.lastTouched);
  append(bytes, state.results.runs());
  for (uint32_t i = 0; i < state.results.runs(); ++i) append(bytes, state.results.run(i));
  const Assembly& assembly = state.assembly;
  append(bytes, assembly.total);
  append(bytes, assembly.received);
  append(bytes, uint32_t{assembly.refused});
  if (assembly.bytes == nullptr) return;
  bytes.insert(bytes.end(), assembly.bytes.get(), assembly.bytes.get() + assembly.received);
}

}  // namespace machine

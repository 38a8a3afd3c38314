#include "machine/session.h"

#include "machine/operations.h"

namespace machine {

namespace {

template <typename Word>
void append(std::vector<uint8_t>& bytes, Word word) {
  const auto* from = reinterpret_cast<const uint8_t*>(&word);
  bytes.insert(bytes.end(), from, from + sizeof word);
}

/** Reads words one after another; beyond the end they are zero, and `good` is false. */
struct Words {
  const uint8_t* at;
  size_t left;
  bool good = true;

  template <typename Word>
  Word next() {
    good = good && left >= sizeof(Word);
    if (!good) return Word{};
    const Word word = wire::load<Word>(at);
    at += sizeof(Word);
    left -= sizeof(Word);
    return word;
  }
};

bool validRun(const Run& run, uint64_t sequence) {
  const bool known = run.status <= wire::status::MAX || run.status == OK_WITH_ANSWER;
  return run.sequence == sequence && run.count != 0 && known &&
         run.version <= wire::COUNTER_MAX - run.count;
}

/** The answers from `answered` on, up to the last write applied, without a hole. */
bool parseResults(Words& words, uint32_t sessionWindow, SessionState& state) {
  uint64_t sequence = state.answered;
  const uint64_t end = state.applied + 1;
  if (sequence == 0 || sequence > end || end - sequence > sessionWindow) return false;
  const auto runs = words.next<uint32_t>();
  for (uint32_t i = 0; i < runs; ++i) {
    const auto run = words.next<Run>();
    if (!words.good || !validRun(run, sequence) || run.count > end - sequence) return false;
    state.results.push(run);
    sequence += run.count;
  }
  return words.good && sequence == end;
}

/** An answer for every result that has one of its own, and no other. */
bool parseKept(Words& words, SessionState& state) {
  const auto count = words.next<uint32_t>();
  for (uint32_t i = 0; i < state.results.runs(); ++i) {
    const Run& run = state.results.run(i);
    if (run.status != OK_WITH_ANSWER) continue;
    for (uint64_t sequence = run.sequence; sequence < run.end(); ++sequence) {
      const auto said = words.next<uint64_t>();
      const auto bytes = words.next<uint32_t>();
      if (!words.good || said != sequence || bytes > words.left) return false;
      auto data = std::make_unique_for_overwrite<uint8_t[]>(bytes);
      std::memcpy(data.get(), words.at, bytes);
      words.at += bytes;
      words.left -= bytes;
      state.kept.push_back({sequence, bytes, std::move(data)});
    }
  }
  return words.good && state.kept.size() == count;
}

bool parseAssembly(Words& words, Assembly& assembly) {
  assembly.total = words.next<uint32_t>();
  assembly.received = words.next<uint32_t>();
  assembly.refusal = words.next<uint32_t>();
  if (!words.good || assembly.total > WIDE_BYTES_MAX) return false;
  const uint32_t refusal = assembly.total == 0 ? wire::status::NO_SPACE : wire::status::FULL;
  if (assembly.refusal != 0 && assembly.refusal != refusal) return false;
  if (assembly.total == 0) return assembly.received == 0 && words.left == 0;
  if (assembly.received == 0 || assembly.received >= assembly.total) return false;
  if (assembly.refusal != 0) return words.left == 0;
  if (words.left != assembly.received) return false;
  assembly.bytes = std::make_unique_for_overwrite<uint8_t[]>(assembly.total);
  std::memcpy(assembly.bytes.get(), words.at, assembly.received);
  return true;
}

}  // namespace

bool parse(const uint8_t* at, size_t bytes, uint32_t sessionWindow, SessionState& state) {
  Words words{at, bytes};
  state.id = words.next<uint64_t>();
  state.applied = words.next<uint64_t>();
  state.answered = words.next<uint64_t>();
  state.lastTouched = words.next<uint64_t>();
  if (!words.good || state.id == 0 || state.id > wire::COUNTER_MAX) return false;
  if (state.applied > wire::COUNTER_MAX) return false;
  return parseResults(words, sessionWindow, state) && parseKept(words, state) &&
         parseAssembly(words, state.assembly);
}

void serialize(const SessionState& state, std::vector<uint8_t>& bytes) {
  append(bytes, state.id);
  append(bytes, state.applied);
  append(bytes, state.answered);
  append(bytes, state.lastTouched);
  append(bytes, state.results.runs());
  for (uint32_t i = 0; i < state.results.runs(); ++i) append(bytes, state.results.run(i));
  append(bytes, static_cast<uint32_t>(state.kept.size()));
  for (const KeptAnswer& each : state.kept) {
    append(bytes, each.sequence);
    append(bytes, each.bytes);
    bytes.insert(bytes.end(), each.data.get(), each.data.get() + each.bytes);
  }
  const Assembly& assembly = state.assembly;
  append(bytes, assembly.total);
  append(bytes, assembly.received);
  append(bytes, assembly.refusal);
  if (assembly.bytes == nullptr) return;
  bytes.insert(bytes.end(), assembly.bytes.get(), assembly.bytes.get() + assembly.received);
}

}  // namespace machine

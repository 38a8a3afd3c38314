// A machine as its own functions have it, and the front that works on it (binding_front.cc).
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>

#include "machine/machine.h"

namespace binding {

struct MachineShell {
  uint32_t functions = 0;
  std::unique_ptr<machine::Machine> machine;  // null once closed
  Napi::ObjectReference kept;                 // what the machine points into

  bool isOpen() const { return machine != nullptr; }
};

/** Under this name the machine's object has its shell: alive as long as that object. */
inline constexpr const char* MACHINE_SHELL = "shell";

}  // namespace binding

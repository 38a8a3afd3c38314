/**
 * The layouts of wire.h as data, for the test that compares them with src/zab/wire.ts.
 */
#pragma once

#include <cstdint>
#include <vector>

namespace machine {

struct FieldLayout {
  const char* name;
  uint32_t offset;
  uint32_t bytes;
};

struct StructLayout {
  const char* name;
  uint32_t size;
  std::vector<FieldLayout> fields;
};

struct Constant {
  const char* name;  // as TypeScript spells it: "MAGIC", "KIND.PROPOSE"
  double value;
};

std::vector<StructLayout> wireLayouts();
std::vector<Constant> wireConstants();

}  // namespace machine

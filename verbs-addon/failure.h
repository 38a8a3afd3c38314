// Why a setup call failed: what JavaScript sees as ZabkvError. Nothing here throws.
#pragma once

#include <cerrno>
#include <string>
#include <utility>

namespace endpoint {

struct Failure {
  const char* code = "DEVICE";  // an ErrorCode of src/errors.ts
  int error = 0;                // errno, 0 when no system call failed
  const char* syscall = "";
  std::string sentence;  // says what to do
};

// Fills the failure and returns false, so that setup reads as a chain of conditions.
inline bool fail(Failure& failure, const char* code, std::string sentence) {
  failure = Failure{code, 0, "", std::move(sentence)};
  return false;
}

inline bool failCall(Failure& failure, const char* syscall, int error, std::string sentence) {
  const char* code = "DEVICE";
  if (error == EADDRINUSE) code = "ADDRESS_IN_USE";
  if (error == EADDRNOTAVAIL) code = "NOT_MY_ADDRESS";
  failure = Failure{code, error, syscall, std::move(sentence)};
  return false;
}

}  // namespace endpoint

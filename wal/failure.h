/** Why something could not be done: what the caller is shown. Nothing here throws. */
#pragma once

#include <cerrno>
#include <string>
#include <utility>

namespace wal {

struct Failure {
  const char* code = "";        // an ErrorCode of src/errors.ts
  int error = 0;                // errno, 0 when no system call failed
  const char* syscall = "";     //
  std::string sentence;         // says what to do
};

/** Fills the failure and returns false, so that setup reads as a chain of conditions. */
inline bool fail(Failure& failure, const char* code, std::string sentence) {
  failure = Failure{code, 0, "", std::move(sentence)};
  return false;
}

inline bool failCall(Failure& failure, const char* code, const char* syscall, int error,
                     std::string sentence) {
  failure = Failure{code, error, syscall, std::move(sentence)};
  return false;
}

/** The device has no room, or the owner may have no more of it: that can pass. */
inline bool isFull(int error) { return error == ENOSPC || error == EDQUOT; }

}  // namespace wal

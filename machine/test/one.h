/**
 * The commonest scene: a machine with link 0 open and one session on it.
 */
#pragma once

#include "machine/test/rig.h"
#include "test/native/check.h"

namespace rig {

struct One {
  Rig rig;
  Log log;
  uint64_t session;

  explicit One(const Options& options = {}) : rig(options) {
    rig.linkOpen(0);
    session = rig.session(log, 0);
  }

  /** Takes a request, orders and applies it; returns what was answered. */
  std::vector<Answer> run(const Request& request, uint32_t link = 0) {
    CHECK(rig.request(request, link) == machine::Taken::ok);
    rig.turn(log);
    return rig.answers();
  }
};

}  // namespace rig

/** What the front counts for `stats`, under memcached's names. */
#pragma once

#include <cstdint>

namespace front {

#define FRONT_COUNTS(X) \
  X(cmd_get) X(cmd_set) X(cmd_flush) X(cmd_touch) X(cmd_meta) \
  X(get_hits) X(get_misses) X(get_flushed) X(delete_misses) X(delete_hits) X(incr_misses) X(incr_hits) \
  X(decr_misses) X(decr_hits) X(cas_misses) X(cas_hits) X(cas_badval) X(touch_hits) X(touch_misses) \
  X(auth_cmds) X(auth_errors) X(bytes_read) X(bytes_written) X(total_connections) X(rejected_connections) \
  X(idle_kicks) X(local_reads) X(ordered_commands) X(failed_commands) X(requests) X(stalls) \
  X(sessions_opened) X(sent_again) X(read_again)

struct Counts {
#define FRONT_FIELD(name) uint64_t name = 0;
  FRONT_COUNTS(FRONT_FIELD)
#undef FRONT_FIELD
};

}  // namespace front

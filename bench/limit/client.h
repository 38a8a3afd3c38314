/** The client of the limit program: keeps a number of operations outstanding, and counts what completes. */
#pragma once

#include "bench/limit/replicas.h"

namespace limit {

struct Load {
  uint32_t keys;
  uint32_t outstanding;
  double seconds;
  double warmUp;
};

bench::Tally driveWrites(Sockets& sockets, const Load& load, double& seconds);
/** A third of what is outstanding at each replica. */
bench::Tally driveReads(Sockets& sockets, const Load& load, double& seconds);

}  // namespace limit

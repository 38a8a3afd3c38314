/** The three replicas of the limit program. Each runs in a process of its own, until it is ended. */
#pragma once

#include "bench/limit/socket.h"
#include "bench/limit/table.h"

namespace limit {

/** Everybody's sockets, opened before the processes part, so that all know all ports. */
struct Sockets {
  static constexpr uint32_t REPLICAS = 3;
  Socket clients[REPLICAS];  // where a replica hears the client, and answers
  Socket peers[REPLICAS];    // where it hears other replicas
  Socket members[REPLICAS];  // where followers hear the leader's multicast
  Socket client;
};

/**
 * Copies each request to the followers, applies it once both have acknowledged it, and answers the client. Both rather
 * than one, because nothing here is sent again: a follower that falls behind for ever would not apply what is counted.
 */
[[noreturn]] void runLeader(Sockets& sockets, Table& table, bool multicast);
[[noreturn]] void runFollower(Sockets& sockets, Table& table, uint32_t replica);
/** Any of the three, for reads: each answers its client from its own store. */
[[noreturn]] void runReader(Sockets& sockets, Table& table, uint32_t replica);

}  // namespace limit

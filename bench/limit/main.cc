/**
 * The limit program: what three replicas and one client can do on this machine at most, with zabkv's datagrams, sockets
 * and store, and without a protocol: no sessions, no order but the socket's, no checksums, nothing sent again. What
 * zabkv reaches of it is what the protocol and JavaScript leave over.
 *
 * Usage: limit [--load writes|reads] [--keys N] [--outstanding N] [--seconds N] [--warm-up N] [--multicast 0|1]
 */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/limit/client.h"

namespace {

using limit::Sockets;

/** Beside the groups that zabkv derives from its cluster's name. */
constexpr const char* GROUP = "239.255.77.1";

void openSockets(Sockets& sockets) {
  in_addr group{};
  inet_pton(AF_INET, GROUP, &group);
  sockets.client.openUnicast();
  for (uint32_t replica = 0; replica < Sockets::REPLICAS; ++replica) {
    sockets.clients[replica].openUnicast();
    sockets.peers[replica].openUnicast();
  }
  sockets.members[1].openMember(group, 0);
  sockets.members[2].openMember(group, ntohs(sockets.members[1].place().sin_port));
}

/** A replica says that its store is filled by one byte; it ends with its parent. */
pid_t startReplica(Sockets& sockets, uint32_t replica, bool writes, uint32_t keys, bool multicast, int ready) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  limit::Table table(keys);
  if (write(ready, "r", 1) != 1) _exit(1);
  if (!writes) limit::runReader(sockets, table, replica);
  if (replica == 0) limit::runLeader(sockets, table, multicast);
  limit::runFollower(sockets, table, replica);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options(argc, argv);
  const bool writes = options.text("load", "writes") == "writes";
  const limit::Load load{options.count("keys", 1'000'000), options.count("outstanding", 16384),
                         options.number("seconds", 3), options.number("warm-up", 0.5)};
  const bool multicast = options.count("multicast", 1) != 0;
  if (load.keys == 0 || load.outstanding == 0) bench::stop("--keys and --outstanding are at least 1.");
  static Sockets sockets;
  openSockets(sockets);
  int ready[2];
  if (pipe(ready) != 0) bench::stop("There is no pipe to be had.");
  pid_t replicas[Sockets::REPLICAS];
  for (uint32_t each = 0; each < Sockets::REPLICAS; ++each) {
    replicas[each] = startReplica(sockets, each, writes, load.keys, multicast, ready[1]);
  }
  char byte;
  for (uint32_t each = 0; each < Sockets::REPLICAS; ++each) {
    if (read(ready[0], &byte, 1) != 1) bench::stop("A replica did not start.");
  }
  double seconds = 0;
  const bench::Tally tally =
      writes ? limit::driveWrites(sockets, load, seconds) : limit::driveReads(sockets, load, seconds);
  bench::printTally(tally, seconds);
  for (const pid_t replica : replicas) {
    kill(replica, SIGKILL);
    waitpid(replica, nullptr, 0);
  }
  return tally.errors == 0 ? 0 : 1;
}

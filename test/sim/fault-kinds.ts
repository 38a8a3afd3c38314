/** Every kind of fault that a run can deliver, by name. Many seeds that delivered none of a kind are vacuous. */

export const FAULT_KINDS = [
  // Of the network, for each datagram.
  'delivered',
  'lost',
  'duplicated',
  'reordered',
  'receiver-not-ready',
  'cut', //                 datagrams that a partition swallowed
  'to-closed-port',
  'to-later-life', //       sent to a life of a replica, arrived at the next one's
  // Of the cluster.
  'partition', //           two sides, both ways
  'bridge', //              two sides that share one node
  'leader-alone', //        a leader and all other replicas, both ways; clients reach either
  'isolation', //           one node, both ways
  'one-way', //             one node hears and is not heard, or the other way
  'pair-cut', //            one direction between two nodes
  'stall', //               what two sides say to each other comes later, all at once
  'crash',
  'crash-of-leader',
  'restart',
  'pause', //               neither turns nor beats, as after SIGSTOP
  'stuck', //               no turns, while beats go on, as in a long collection
  'slow', //                turns seldom
  'skew', //                replicas whose clock runs at another rate
  'stale-registry', //      a replica was told a former life of another
  'majority-lost', //       runs in which more crashed than a cluster in memory survives
  // Of disks.
  'disk-slow', //           what is appended is durable late
  'disk-full', //           no room, or little, for a while
  'disk-failed', //         a replica stopped because its disk failed to synchronise
  'disk-lost', //           a replica starts with an empty disk
  'restart-from-disk',
  'all-crash',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]
export type FaultCounts = Record<FaultKind, number>

/** What many runs must have been through for their checks to mean something: counters of the protocol. */
export const EVENTS = [
  'epochs-led',
  'epochs-followed',
  'steps-down',
  'truncations',
  'snapshots-needed',
  'followers-left-behind',
  'propose-resent',
] as const
export type Event = (typeof EVENTS)[number]
export type EventCounts = Record<Event, number>

export function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>
}

export function addCounts<Name extends string>(sum: Record<Name, number>, counts: Record<Name, number>): void {
  for (const name of Object.keys(sum) as Name[]) sum[name] += counts[name]
}

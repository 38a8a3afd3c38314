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

export function createFaultCounts(): FaultCounts {
  return Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as FaultCounts
}

export function addFaults(sum: FaultCounts, counts: FaultCounts): void {
  for (const kind of FAULT_KINDS) sum[kind] += counts[kind]
}

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

export function createEventCounts(): EventCounts {
  return Object.fromEntries(EVENTS.map((event) => [event, 0])) as EventCounts
}

export function addEvents(sum: EventCounts, counts: EventCounts): void {
  for (const event of EVENTS) sum[event] += counts[event]
}

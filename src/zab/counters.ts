/** What the protocol counts, by name. Monotonic since start; the runtime reports them. */

const NAMES = [
  'proposals', //                 entries proposed here
  'writes-proposed',
  'proposal-bytes',
  'propose-sent', //              PROPOSE datagrams for the first time, each receiver of a unicast counted
  'writes-in-propose-sent',
  'propose-resent',
  'propose-received',
  'writes-in-propose-received',
  'commits-sent',
  'commits-received', //          that brought news; heartbeats repeat it
  'writes-in-commits', //         writes that those messages told to be committed
  'acks-sent', //                 that acknowledge something new; others are signs of life
  'acks-received',
  'writes-in-acks', //            writes that those messages acknowledge
  'nacks-sent',
  'nacks-received',
  'heartbeats-sent',
  'writes-committed',
  'elections', //                 this replica began to look for a leader
  'elections-won', //             it would lead
  'epochs-led', //                it led, with a quorum
  'epochs-followed',
  'steps-down', //                it led and stopped
  'truncations', //               ends of the history that another leader did not take over
  'histories-abandoned', //       more than that was wrong or missing: a snapshot was needed
  'snapshots-needed', //          told so to followers
  'followers-left-behind', //     waited for no longer, because the history had no room
  'beats-received',
  'stall-order', //               turns in which a follower held proposals that waited for one before them
  'stall-acks', //                turns in which proposals waited to be sent: too many unacknowledged
  'stall-history', //             turns in which nothing could be packed: the ring was full
  'ignored-not-a-member',
  'ignored-stale-incarnation',
  'ignored-unknown-incarnation',
  'ignored-epoch-older',
  'ignored-epoch-newer',
  'ignored-not-following',
  'ignored-not-leading',
  'ignored-not-my-leader',
  'ignored-duplicate',
  'ignored-beyond-window',
  'ignored-no-room',
  'ignored-already-acked',
  'ignored-never-proposed',
  'ignored-of-former-join', //    an ACK from before its sender joined again
  'ignored-not-kept',
  'ignored-malformed',
  'ignored-unknown-kind',
  'ignored-not-continuing', //    a proposal after another entry than the last one here
  'ignored-not-expected', //      of an election or a synchronization that is over, or not begun
] as const

export type CounterName = (typeof NAMES)[number]
export const COUNTER_NAMES: readonly CounterName[] = NAMES

/** Index of each counter in State.counters. */
export const COUNT = Object.fromEntries(NAMES.map((name, index) => [name, index])) as {
  readonly [Name in CounterName]: number
}

/** What a client counts. */

/** Why a received datagram or answer had no effect. */
export const CLIENT_DROPS = [
  'no-link', //           nothing is attached, or another kind is expected
  'other-sender', //      not the replica that is attached
  'other-incarnation', // another life of it
  'stale-link', //        an earlier link of this client
  'duplicate',
  'beyond-window',
  'no-park-slot',
  'bad-ack',
  'unknown-kind',
  'malformed', //         a reply that contradicts the protocol: the link is left
  'unknown-session', //   an answer for a session that has ended
] as const
export type ClientDrop = (typeof CLIENT_DROPS)[number]

/** Why a replica was left. */
export const MOVES = [
  'silent',
  'stuck', //   heard of, but without answers
  'refused',
  'said-bye',
  'unknown-link',
  'malformed',
] as const
export type Move = (typeof MOVES)[number]

export interface Counts {
  readsAnswered: number
  writesAnswered: number
  operationsSent: number // units, again ones included
  requestDatagrams: number
  replyDatagrams: number
  acknowledgements: number // LINK_ACK datagrams
  hellos: number
  resends: number // REQUEST datagrams sent again on their link
  operationsResent: number // units sent again to another replica
  timeouts: number
  aborts: number
  sessionsOpened: number
  sessionsExpired: number
  registryFailures: number
  readonly drops: Map<ClientDrop, number>
  readonly moves: Map<Move, number>
}

export function createCounts(): Counts {
  return {
    readsAnswered: 0,
    writesAnswered: 0,
    operationsSent: 0,
    requestDatagrams: 0,
    replyDatagrams: 0,
    acknowledgements: 0,
    hellos: 0,
    resends: 0,
    operationsResent: 0,
    timeouts: 0,
    aborts: 0,
    sessionsOpened: 0,
    sessionsExpired: 0,
    registryFailures: 0,
    drops: new Map(CLIENT_DROPS.map((reason) => [reason, 0])),
    moves: new Map(MOVES.map((why) => [why, 0])),
  }
}

export function countDrop(counts: Counts, reason: ClientDrop): void {
  counts.drops.set(reason, (counts.drops.get(reason) ?? 0) + 1)
}

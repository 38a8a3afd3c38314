/** Where a client stands with the replicas: which one it speaks to, and who else there is. */

import type { Member } from './world.js'

/**
 * seeking   the next replica is to be greeted, at `restUntil`
 * hello     HELLO is said again and again until it is answered
 * attached  there is a link
 */
export type AttachPhase = 'seeking' | 'hello' | 'attached'

export interface Attach {
  phase: AttachPhase
  readonly members: Map<number, Member>
  /** The replica that is greeted or attached; null before the first. */
  member: Member | null
  destination: number // of the endpoint, -1: none
  incarnation: number // of the replica, from WELCOME
  /** The client's own name of the link: another for every greeting. Starts at random. */
  index: number
  sinceMillis: number // of this greeting or attachment
  helloMillis: number // when HELLO was last said
  restUntil: number
  /** Replicas tried since an answer last came: patience grows when all were tried in vain. */
  fruitless: number
  /** REFUSAL last heard; 0: none. */
  refusal: number
  refreshing: boolean
}

export function createAttach(index: number): Attach {
  return {
    phase: 'seeking',
    members: new Map(),
    member: null,
    destination: -1,
    incarnation: 0,
    index: index >>> 0,
    sinceMillis: 0,
    helloMillis: 0,
    restUntil: 0,
    fruitless: 0,
    refusal: 0,
    refreshing: false,
  }
}

/** The id after the current one, round robin; the preferred one at first, else any. */
export function nextMember(
  attach: Attach,
  preferred: number | null,
  random: number,
): Member | null {
  const ids = [...attach.members.keys()].sort((a, b) => a - b)
  if (ids.length === 0) return null
  const { member } = attach
  if (member === null) {
    const any = ids[random % ids.length]
    const chosen = preferred !== null && attach.members.has(preferred) ? preferred : any
    return attach.members.get(chosen ?? -1) ?? null
  }
  const following = ids.find((id) => id > member.replica) ?? ids[0]
  return attach.members.get(following ?? -1) ?? null
}

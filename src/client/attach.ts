/**
 * Which replica the client speaks to: HELLO until WELCOME, and on to the next one when it is
 * silent, refuses or says goodbye. Everything unanswered then goes again under the same numbers: a
 * write is applied once, and a replica that has seen less than this client is not accepted, so that
 * no session goes back in time.
 */

import { assert, item } from '../assert.js'
import { writeHeader } from '../zab/header.js'
import { createLink, LINK_WINDOW_MAX, linkStamp } from '../zab/link.js'
import { HEADER, KIND, LINK, setWide, TAG_BYTES } from '../zab/wire.js'
import { nextMember } from './attach-state.js'
import type { Core } from './core.js'
import { NOTE_BYTES, noteSlot, setMembers, ticksOf } from './core.js'
import type { Move } from './counts.js'
import { rewindSession } from './session-state.js'
import { freeAllSlots } from './slots.js'
import { HELLO_MILLIS, STUCK_FAILOVERS, STUCK_MILLIS_MIN } from './times.js'
import { burst, markReady, queueRow, zeroTag } from './transmit.js'
import type { Member } from './world.js'

/** Patience doubles this often, at most, while every replica is tried in vain. */
const PATIENCE_DOUBLINGS_MAX = 3
const CREDITS_MIN = 2
/** A received datagram costs the kernel's buffer up to its size again, and some. */
const BUFFER_SHARE = 2
const BUFFER_OVERHEAD_BYTES = 512

/** Moves on when it is time to. */
export function attachDuties(core: Core, now: number): void {
  const { attach } = core
  switch (attach.phase) {
    case 'seeking':
      if (now >= attach.restUntil) greetNext(core, now)
      return
    case 'hello':
      if (now - attach.sinceMillis >= patience(core)) leave(core, 'silent', now)
      else if (now - attach.helloMillis >= HELLO_MILLIS) sayHello(core, now)
      return
    case 'attached':
      return judge(core, now)
  }
}

/** The replica answered: what waits is sent to it. */
export function attached(
  core: Core,
  incarnation: number,
  remote: number,
  credits: number,
  now: number,
): void {
  const { attach } = core
  assert(core.link === null, 'attached: one link at a time')
  attach.phase = 'attached'
  attach.incarnation = incarnation
  attach.sinceMillis = now
  attach.refusal = 0
  core.link = createLink(remote, replyCredits(core), ticksOf(now))
  core.link.txAllowed = Math.min(credits, LINK_WINDOW_MAX)
  core.waitingSince = now
  core.progressMillis = now
  for (const session of core.sessions) markReady(core, session)
}

/** Leaves the replica that is greeted or attached, and rewinds what it has not answered. */
export function leave(core: Core, why: Move, now: number): void {
  const { attach, counts } = core
  counts.moves.set(why, (counts.moves.get(why) ?? 0) + 1)
  if (core.link !== null) detach(core, now)
  forgetDestination(core, now)
  attach.phase = 'seeking'
  const triedAll = ++attach.fruitless % Math.max(1, attach.members.size) === 0
  // Silence has cost time enough; a refusal comes at once, and a round of them must not become a
  // flood.
  attach.restUntil = triedAll && why !== 'silent' && why !== 'stuck' ? now + HELLO_MILLIS : now
  refresh(core)
  if (why === 'unknown-link' && attach.member !== null) {
    if (now >= attach.restUntil) greet(core, attach.member, now)
  } else if (now >= attach.restUntil) {
    greetNext(core, now)
  }
}

/** Ends the link in good order. Safe in any state. */
export function detach(core: Core, now: number): void {
  const { link } = core
  if (link === null) return
  sayBye(core, now)
  core.link = null
  core.filling.offset = -1
  freeAllSlots(core.requests)
  freeAllSlots(core.parked)
  for (const session of core.sessions) {
    core.counts.operationsResent += session.sentOperations - session.answeredOperations
    rewindSession(session)
    session.ready = false
    session.nextReady = null
  }
  core.readyFirst = null
  core.readyLast = null
}

/** The registry may know newer lives of the replicas. What is known is used until it answers. */
function refresh(core: Core): void {
  const { attach, world, counts } = core
  if (attach.refreshing || core.closed) return
  attach.refreshing = true
  const take = (members: readonly Member[]): void => {
    attach.refreshing = false
    if (core.closed) return
    setMembers(core, members)
    const known = attach.member
    if (known === null || attach.phase !== 'hello') return
    const member = attach.members.get(known.replica)
    if (member === undefined || member.incarnation === known.incarnation) return
    forgetDestination(core, world.millis())
    greet(core, member, world.millis())
    burst(core, world.millis())
  }
  const fail = (): void => {
    attach.refreshing = false
    counts.registryFailures++
  }
  world.directory.read().then(take, fail)
}

function greetNext(core: Core, now: number): void {
  const member = nextMember(core.attach, core.settings.preferred, core.world.random())
  if (member !== null) greet(core, member, now)
}

function greet(core: Core, member: Member, now: number): void {
  const { attach, endpoint, world } = core
  attach.member = member
  attach.index = (attach.index + 1) >>> 0
  attach.sinceMillis = now
  try {
    const worker = world.random() % member.clients.length
    attach.destination = endpoint.addDestination(item(member.clients, worker))
  } catch {
    attach.phase = 'seeking' // an address that this machine cannot reach: the next one, soon
    attach.restUntil = now + HELLO_MILLIS
    return
  }
  attach.phase = 'hello'
  sayHello(core, now)
}

function sayHello(core: Core, now: number): void {
  const { attach, words } = core
  const note = noteSlot(core)
  writeHeader(words, note, core.sender, KIND.HELLO, NOTE_BYTES, 0, 0)
  setWide(words, (note + HEADER.counter) >>> 2, core.lastSeen)
  setWide(words, (note + HEADER.committed) >>> 2, 0)
  const word = (note + HEADER.SIZE) >>> 2
  words[word + (LINK.link >>> 2)] = attach.index
  words[word + (LINK.credits >>> 2)] = replyCredits(core)
  words[word + (LINK.sackLow >>> 2)] = 0
  words[word + (LINK.sackHigh >>> 2)] = 0
  zeroTag(words, note + NOTE_BYTES - TAG_BYTES)
  queueRow(core, note, NOTE_BYTES)
  attach.helloMillis = now
  core.counts.hellos++
}

function sayBye(core: Core, now: number): void {
  const { link, words } = core
  assert(link !== null, 'sayBye: there is a link to end')
  const note = noteSlot(core)
  writeHeader(words, note, core.sender, KIND.BYE, NOTE_BYTES, 0, 0)
  setWide(words, (note + HEADER.counter) >>> 2, 0)
  linkStamp(link, words, note)
  zeroTag(words, note + NOTE_BYTES - TAG_BYTES)
  queueRow(core, note, NOTE_BYTES)
  burst(core, now)
}

/** What is queued still goes to where it was meant for. */
function forgetDestination(core: Core, now: number): void {
  if (core.attach.destination < 0) return
  burst(core, now)
  core.endpoint.flush()
  core.endpoint.removeDestination(core.attach.destination)
  core.attach.destination = -1
}

/**
 * Nothing heard although something is owed, or heard but not answered: another replica may do
 * better.
 */
function judge(core: Core, now: number): void {
  const { link, settings } = core
  if (link === null || !core.isWaiting) return
  const heard = Math.max(link.heardTick / 10, core.waitingSince)
  if (now - heard >= patience(core)) return leave(core, 'silent', now)
  const stuck = Math.max(STUCK_MILLIS_MIN, settings.failoverMillis * STUCK_FAILOVERS)
  const progress = Math.max(core.progressMillis, core.waitingSince)
  if (now - progress >= stuck) leave(core, 'stuck', now)
}

function patience(core: Core): number {
  const rounds = Math.floor(core.attach.fruitless / Math.max(1, core.attach.members.size))
  return core.settings.failoverMillis * 2 ** Math.min(PATIENCE_DOUBLINGS_MAX, rounds)
}

/** REPLYs that may be on their way at once: what the receive buffer certainly holds. */
function replyCredits(core: Core): number {
  const cost = core.datagramBytes * BUFFER_SHARE + BUFFER_OVERHEAD_BYTES
  const rxBytes = item(core.endpoint.rxBytes, 0)
  const rows = item(core.endpoint.rxRows, 0).length / 4
  return Math.max(CREDITS_MIN, Math.min(rows, Math.floor(rxBytes / cost), LINK_WINDOW_MAX))
}

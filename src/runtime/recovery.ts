/**
 * What a replica finds on its disk when it starts: the newest snapshot, then the log after it. What is missing comes
 * from the peers later, as for any follower.
 */

import { assert } from '../assert.js'
import { ZabkvError } from '../errors.js'
import type { Log } from '../store/log.js'
import { LOG_FIELD, RECORD_KIND } from '../store/log.js'
import type { Machine } from '../store/machine.js'
import { beginAt, truncateTo } from '../zab/forgetting.js'
import { setCommitted, setCounter, writeHeader } from '../zab/header.js'
import { historyAppend, historyRoom } from '../zab/history.js'
import { DATAGRAM_ALIGN } from '../zab/limits.js'
import { takeCommitted } from '../zab/replica.js'
import type { State } from '../zab/state.js'
import { TRUST } from '../zab/state.js'
import { HEADER, KIND } from '../zab/wire.js'
import { PART_BYTES } from './layout.js'

export interface Recovered {
  snapshotCounter: number //  0: there was none
  snapshotBytes: number
  entries: number
  operations: number
  lastHeld: number
  truncations: number
  /** A sentence about damage that peers have to make good; null: none. */
  damage: string | null
  millis: number
}

/** `whole`: the log keeps everything that this replica acknowledged. Before the first turn. */
export function recover(
  state: State,
  machine: Machine,
  log: Log,
  partOffset: number,
  whole: boolean,
  millis: () => number,
): Recovered {
  const began = millis()
  const found: Recovered = {
    snapshotCounter: 0,
    snapshotBytes: 0,
    entries: 0,
    operations: 0,
    lastHeld: 0,
    truncations: 0,
    damage: null,
    millis: 0,
  }
  loadSnapshot(state, machine, log, partOffset, found)
  while (replayOne(state, machine, log, partOffset, found));
  applyKnown(state, machine)
  state.history.extended = false
  state.storeNext = state.history.next
  state.truncateOwed = -1
  state.lastStored = state.lastHeld
  state.epochsStored = state.epochsVersion
  state.formed ||= state.currentEpoch > 0
  if (state.currentEpoch > 0) state.trust = whole && found.damage === null ? TRUST.WHOLE : TRUST.PARTIAL
  found.lastHeld = state.lastHeld
  found.millis = millis() - began
  return found
}

function loadSnapshot(state: State, machine: Machine, log: Log, partOffset: number, found: Recovered): void {
  if (!log.snapshotOpen()) return
  found.snapshotBytes = 0
  const counter = log.fields[LOG_FIELD.counter] ?? 0
  const epoch = log.fields[LOG_FIELD.epoch] ?? 0
  machine.restoreBegin()
  for (;;) {
    const bytes = log.snapshotRead(partOffset, PART_BYTES)
    if (bytes === 0) break
    if (bytes < 0 || !machine.restorePart(partOffset, bytes)) throw damagedSnapshot(log)
    found.snapshotBytes += bytes
  }
  if (!machine.restoreEnd() || machine.applied() !== counter) throw damagedSnapshot(log)
  beginAt(state, counter, epoch)
  found.snapshotCounter = counter
}

function damagedSnapshot(log: Log): ZabkvError {
  const where =
    log.error() ??
    'The newest snapshot is damaged, or was taken under other limits (--store-mib, --memory, --sessions-max, ' +
      '--session-window, --session-seconds): then start with those.'
  const sentence = `${where} Else move the data directory of this replica away: it then asks its peers for all.`
  return new ZabkvError('LOG_DAMAGED', sentence)
}

/** False: the log has ended. */
function replayOne(state: State, machine: Machine, log: Log, partOffset: number, found: Recovered): boolean {
  const kind = log.replayNext(partOffset, state.config.datagramBytes - HEADER.SIZE)
  const field = (index: number): number => log.fields[index] ?? 0
  switch (kind) {
    case RECORD_KIND.ENTRY:
      replayEntry(state, machine, partOffset, field, found)
      return true
    case RECORD_KIND.EPOCHS:
      return true // said again at the end
    case RECORD_KIND.TRUNCATE: {
      const counter = field(LOG_FIELD.counter)
      if (counter < state.lastHeld) truncateTo(state, Math.max(counter, state.lastCommitted))
      found.truncations++
      return true
    }
    case RECORD_KIND.BASE:
      // What was replayed so far was of a history that was given up for that snapshot.
      loadSnapshot(state, machine, log, partOffset, found)
      if (field(LOG_FIELD.counter) > state.lastHeld) throw damagedSnapshot(log)
      return true
    case RECORD_KIND.DAMAGE:
      found.damage = log.error()
      if (!log.discardAfterDamage()) throw damagedSnapshot(log)
      return true
    default:
      state.acceptedEpoch = Math.max(state.acceptedEpoch, field(LOG_FIELD.accepted))
      state.currentEpoch = field(LOG_FIELD.current)
      return false
  }
}

function replayEntry(
  state: State,
  machine: Machine,
  partOffset: number,
  field: (index: number) => number,
  found: Recovered,
): void {
  const { history, words } = state
  const counter = field(LOG_FIELD.counter)
  const operations = field(LOG_FIELD.count)
  const epoch = field(LOG_FIELD.epoch)
  // The snapshot holds it; or it comes after what the snapshot holds of another leader, and is void further on.
  if (counter !== state.lastHeld + 1 || field(LOG_FIELD.previous) !== state.lastEpoch) return
  // What was committed when it was stored makes room for it, as it did then.
  commitUpTo(state, field(LOG_FIELD.committed))
  applyKnown(state, machine)
  const payload = field(LOG_FIELD.bytes)
  const length = HEADER.SIZE + payload
  const bytes = Math.ceil(length / DATAGRAM_ALIGN) * DATAGRAM_ALIGN
  makeRoom(state, bytes)
  const offset = history.head
  state.bytes.copyWithin(offset + HEADER.SIZE, partOffset, partOffset + payload)
  writeHeader(words, offset, state.sender, KIND.PROPOSE, length, epoch, operations)
  setCounter(words, offset, counter)
  setCommitted(words, offset, 0)
  historyAppend(history, counter, operations, bytes, epoch, field(LOG_FIELD.time))
  state.lastHeld = counter + operations - 1
  state.lastProposed = state.lastHeld
  state.lastEpoch = epoch
  found.entries++
  found.operations += operations
  commitUpTo(state, field(LOG_FIELD.committed))
  applyKnown(state, machine)
}

/** The ring's end may have been better used before: then what is not committed reaches into the reserve. */
function makeRoom(state: State, bytes: number): void {
  const { history } = state
  if (historyRoom(history, bytes, state.applyNext) > 0) return
  history.extended = true
  assert(historyRoom(history, bytes, state.applyNext) > 0, 'recovery: what is not committed fits the history')
}

function commitUpTo(state: State, committed: number): void {
  const { history } = state
  while (state.commitNext < history.next) {
    const slot = state.commitNext & history.mask
    const last = (history.counter[slot] ?? 0) + (history.count[slot] ?? 0) - 1
    if (last > committed) return
    state.lastCommitted = last
    state.commitNext++
  }
}

function applyKnown(state: State, machine: Machine): void {
  state.commitKnown = Math.max(state.commitKnown, state.lastCommitted)
  for (;;) {
    const entries = takeCommitted(state, machine.applyRows)
    if (entries === 0) return
    machine.apply(entries)
  }
}

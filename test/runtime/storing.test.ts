/** What goes to the log, in which order, and what the protocol is told to be stored; with a log of this test's own. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { createStoring, isSpaceLow, reopenLog, storeBase, storeTurn } from '../../src/runtime/storing.js'
import type { Storing } from '../../src/runtime/storing.js'
import type { Log } from '../../src/store/log.js'
import { LOG_STATUS } from '../../src/store/log.js'
import { truncateTo } from '../../src/zab/forgetting.js'
import { epochsAreStored, epochsChanged, lastKept, TRUST } from '../../src/zab/state.js'
import type { State } from '../../src/zab/state.js'
import { appendEntry } from '../zab/entries.js'
import { createScriptState } from '../zab/script-world.js'

interface FakeLog {
  log: Log
  /** What was appended, in order. */
  said: string[]
  /** So many records are on the disk. */
  stored: number
  /** Appends that there is still room for. */
  room: number
  state: number
}

function createFakeLog(): FakeLog {
  const take = (what: string): boolean => {
    if (fake.room === 0) return false
    fake.room--
    fake.said.push(what)
    return true
  }
  const fake: FakeLog = {
    said: [],
    stored: 0,
    room: Infinity,
    state: LOG_STATUS.FINE,
    log: {
      appendEntry: (_offset, _length, counter, count, epoch) => take(`entry ${counter}+${count} of ${epoch}`),
      appendTruncate: (counter) => take(`truncate ${counter}`),
      appendEpochs: (accepted, current) => take(`epochs ${accepted} ${current}`),
      appendBase: (counter, epoch) => take(`base ${counter} of ${epoch}`),
      appended: () => fake.said.length,
      durable: () => fake.stored,
      status: () => fake.state,
      error: () => 'a sentence about the disk',
      flush: () => undefined,
      reopen: () => void (fake.said.length = fake.stored = 0),
      startAnew: () => void (fake.said.length = fake.stored = 0),
    } as Partial<Log> as Log,
  }
  return fake
}

function world(): { state: State; fake: FakeLog; storing: Storing } {
  const state = createScriptState(['durable=yes'], 0, 10, 600)
  state.trust = TRUST.WHOLE
  const fake = createFakeLog()
  return { state, fake, storing: createStoring(state, fake.log) }
}

test('storing: what is held counts as stored once the log says so, and not before', () => {
  const { state, fake, storing } = world()
  appendEntry(state, 1, 3)
  appendEntry(state, 1)
  storeTurn(storing)
  assert.deepEqual(fake.said, ['entry 1+3 of 1', 'entry 4+1 of 1'])
  assert.deepEqual([state.lastHeld, state.lastStored, lastKept(state)], [4, 0, 0])
  fake.stored = 1
  storeTurn(storing)
  assert.equal(state.lastStored, 0, 'a part of what one turn appended says nothing')
  fake.stored = 2
  storeTurn(storing)
  assert.deepEqual([state.lastStored, lastKept(state)], [4, 4])
})

test('storing: each turn counts by itself', () => {
  const { state, fake, storing } = world()
  for (const stored of [0, 0, 1, 2]) {
    appendEntry(state, 1)
    fake.stored = stored
    storeTurn(storing)
  }
  assert.equal(state.lastStored, 2)
  fake.stored = 4
  storeTurn(storing)
  assert.equal(state.lastStored, 4)
})

test('storing: the order is what is void, then entries, then epochs', () => {
  const { state, fake, storing } = world()
  for (let index = 0; index < 3; index++) appendEntry(state, 1)
  storeTurn(storing)
  truncateTo(state, 1)
  appendEntry(state, 2)
  state.acceptedEpoch = state.currentEpoch = 2
  epochsChanged(state)
  storeTurn(storing)
  assert.deepEqual(fake.said.slice(3), ['truncate 1', 'entry 2+1 of 2', 'epochs 2 2'])
})

/** The log has five entries; the last three are void, and three of epoch 2 came in their place. */
function rewritten(): ReturnType<typeof world> {
  const made = world()
  for (let index = 0; index < 5; index++) appendEntry(made.state, 1)
  storeTurn(made.storing)
  truncateTo(made.state, 2)
  for (let index = 0; index < 3; index++) appendEntry(made.state, 2)
  return made
}

test('storing: that a void end reaches the disk says nothing of what comes in its place', () => {
  const { state, fake, storing } = rewritten()
  storeTurn(storing)
  fake.stored = 5
  storeTurn(storing)
  assert.deepEqual([state.lastHeld, state.lastStored], [5, 2], 'only entries of epoch 1 are on the disk')
  fake.stored = fake.said.length
  storeTurn(storing)
  assert.equal(state.lastStored, 5)
})

test('storing: the same holds while the log has no room for the word of it', () => {
  const { state, fake, storing } = rewritten()
  fake.room = 0
  fake.stored = 5
  storeTurn(storing)
  assert.equal(state.lastStored, 2)
  assert.equal(state.truncateOwed, 2)
  assert.equal(fake.said.at(-1), 'entry 5+1 of 1', 'no entry goes before the word that the end is void')
  fake.room = Infinity
  storeTurn(storing)
  assert.deepEqual(fake.said.slice(5), ['truncate 2', 'entry 3+1 of 2', 'entry 4+1 of 2', 'entry 5+1 of 2'])
})

test('storing: a full buffer takes the rest later, in order, and is counted', () => {
  const { state, fake, storing } = world()
  for (let index = 0; index < 4; index++) appendEntry(state, 1)
  state.acceptedEpoch = 1
  epochsChanged(state)
  fake.room = 2
  storeTurn(storing)
  assert.equal(storing.stalls, 1)
  fake.stored = 2
  storeTurn(storing)
  assert.deepEqual([state.lastStored, epochsAreStored(state)], [2, false])
  fake.room = Infinity
  storeTurn(storing)
  fake.stored = fake.said.length
  storeTurn(storing)
  assert.deepEqual(fake.said.slice(2), ['entry 3+1 of 1', 'entry 4+1 of 1', 'epochs 1 0'])
  assert.deepEqual([state.lastStored, epochsAreStored(state)], [4, true])
})

test('storing: a promise is stored when it is on the disk, and a later one by itself', () => {
  const { state, fake, storing } = world()
  state.acceptedEpoch = 3
  epochsChanged(state)
  storeTurn(storing)
  state.acceptedEpoch = 4
  epochsChanged(state)
  fake.stored = 1
  storeTurn(storing)
  assert.equal(epochsAreStored(state), false, 'that of epoch 3 is no promise of epoch 4')
  fake.stored = 2
  storeTurn(storing)
  assert.equal(epochsAreStored(state), true)
})

test('storing: a replica that may not be counted yet stores no epoch that would make it count', () => {
  const { state, fake, storing } = world()
  state.trust = TRUST.LOST
  state.acceptedEpoch = state.currentEpoch = 5
  epochsChanged(state)
  storeTurn(storing)
  state.trust = TRUST.WHOLE
  epochsChanged(state)
  storeTurn(storing)
  assert.deepEqual(fake.said, ['epochs 5 0', 'epochs 5 5'])
})

test('storing: while a snapshot is loaded nothing is appended, and its base voids what was on the way', () => {
  const { state, fake, storing } = world()
  appendEntry(state, 1)
  storeTurn(storing)
  state.transfer = 7
  appendEntry(state, 1)
  storeTurn(storing)
  assert.equal(fake.said.length, 1)
  assert.equal(storeBase(storing, 90, 4), true)
  fake.stored = 2
  storeTurn(storing)
  assert.equal(state.lastStored, 0, 'marks of the history before are gone')
})

test('storing: a log that is read again owes nothing of what was on the way', () => {
  const { state, fake, storing } = world()
  appendEntry(state, 1)
  storeTurn(storing)
  reopenLog(storing, false)
  fake.stored = 1
  storeTurn(storing)
  assert.equal(state.lastStored, 0)
})

test('storing: a log that failed stops the replica, one that is short of room makes it refuse', () => {
  const { state, fake, storing } = world()
  fake.state = LOG_STATUS.SPACE_LOW
  assert.equal(isSpaceLow(storing), true)
  appendEntry(state, 1)
  storeTurn(storing)
  fake.state = LOG_STATUS.FULL
  assert.equal(isSpaceLow(storing), true)
  fake.state = LOG_STATUS.FAILED
  assert.throws(() => storeTurn(storing), { code: 'LOG_FAILED', message: 'a sentence about the disk' })
})

/** Heartbeats: every 10 ms while anything may be missing somewhere, more and more seldom when all have all. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { leaderFlush, onAck } from '../../src/zab/leader.js'
import { kindOf, setCommitted, setCounter } from '../../src/zab/header.js'
import type { State } from '../../src/zab/state.js'
import { SEND } from '../../src/zab/state.js'
import { KIND } from '../../src/zab/wire.js'
import { appendEntry } from './entries.js'
import { establish } from './established.js'
import { createScriptState } from './script-world.js'

const SHORTEST = 100

function leaderOf(failureTicks: number): State {
  const states = [0, 1, 2].map((replica) => createScriptState([], replica, 10 + replica, failureTicks))
  establish(states, 0, 1, 0)
  const [leader] = states as [State]
  leader.heartbeatTicks = 0
  return leader
}

/** The ticks of `from` to `to` in which a heartbeat left. */
function heartbeats(leader: State, from: number, to: number): number[] {
  const ticks: number[] = []
  for (let tick = from; tick <= to; tick += 10) {
    leader.peers.activeTick.fill(tick) // they answer
    leaderFlush(leader, tick)
    for (let row = 0; row < leader.sendCount; row++) {
      const offset = leader.sends[row * SEND.WORDS + SEND.offset] ?? 0
      if (kindOf(leader.words, offset) === KIND.HEARTBEAT && ticks.at(-1) !== tick) ticks.push(tick)
    }
    leader.sendCount = 0
  }
  return ticks
}

/** The slab's beginning is nobody's. */
function acknowledge(leader: State, follower: number, counter: number, tick: number): void {
  setCounter(leader.words, 0, counter)
  setCommitted(leader.words, 0, leader.peers.join[follower] ?? 0)
  onAck(leader, follower, 0, tick)
}

test('heartbeats: while all have all they become as seldom as the failure timeout allows', () => {
  assert.deepEqual(heartbeats(leaderOf(6000), 0, 3500), [0, 100, 300, 700, 1500, 2500, 3500])
  const quick = heartbeats(leaderOf(600), 0, 1000)
  assert.deepEqual(quick, quick.map((_, each) => each * SHORTEST), 'a short failure timeout allows no less')
})

test('heartbeats: after a proposal they come as often as ever, until everybody has it', () => {
  const leader = leaderOf(6000)
  heartbeats(leader, 0, 3500)
  appendEntry(leader, 1)
  leader.lastProposed = leader.lastHeld
  assert.deepEqual(heartbeats(leader, 3510, 4000), [3610, 3710, 3810, 3910])
  acknowledge(leader, 1, leader.lastProposed, 4000)
  assert.deepEqual(heartbeats(leader, 4010, 4400).at(-1), 4310, 'one of three lacks it')
  leader.lastApplied = leader.lastCommitted
  acknowledge(leader, 2, leader.lastProposed, 4400)
  const after = heartbeats(leader, 4410, 9000)
  assert.deepEqual(after.slice(0, 3), [4410, 4610, 5010])
  assert.equal((after.at(-1) ?? 0) - (after.at(-2) ?? 0), 1000)
})

/** Protocol scripts with elections: replicas start, crash and start again, and the trace tells of phases. */

import { assert, item } from '../../src/assert.js'
import { flush, meetPeer, phaseTick } from '../../src/zab/replica.js'
import type { State } from '../../src/zab/state.js'
import { epochsChanged, PHASE, ROLE, TRUST } from '../../src/zab/state.js'
import { KIND } from '../../src/zab/wire.js'
import { appendEntry, commitUpTo } from './entries.js'
import { carry, carryAlive, createScriptState, optionOf, reportCommits } from './script-world.js'
import type { Script } from './script-world.js'

const STEP_TICKS = 10
const ROUNDS_MAX = 100
const FAILURE_TICKS = 600
const START_TICK = 1000
const LIFE = 100 // each life's incarnation is so much more than that of the one before
const BEAT_TICKS = 50
const UNSAID = [KIND.VOTE, KIND.HEARTBEAT, KIND.ACK, KIND.COMMIT, KIND.ALIVE]

export function lookForLeaders(script: Script, words: readonly string[]): void {
  const nodes = Number(optionOf(words, 'replicas') ?? 3) + Number(optionOf(words, 'observers') ?? 0)
  script.words = words
  script.tick = START_TICK
  if (optionOf(words, 'said') !== 'all') script.unsaid = new Set(UNSAID)
  for (let id = 0; id < nodes; id++) script.states.push(createScriptState(words, id, 10 + id, FAILURE_TICKS))
  for (const state of script.states) meetAll(script, state)
  script.phases = script.states.map(phaseOf)
}

function meetAll(script: Script, state: State): void {
  for (const { config } of script.states) {
    if (config.replica !== state.config.replica) meetPeer(state, config.replica, config.incarnation, script.tick)
  }
}

/** It was in earlier epochs, and remembers. */
export function startWith(script: Script, replica: number, words: readonly string[]): void {
  const state = item(script.states, replica)
  for (const word of words) {
    const [, epoch, count] = /^([0-9]+)x([0-9]+)$/.exec(word) ?? []
    for (let index = 0; index < Number(count ?? 0); index++) appendEntry(state, Number(epoch))
  }
  const trust = optionOf(words, 'trust') ?? 'WHOLE'
  state.trust = trust === 'WHOLE' ? TRUST.WHOLE : trust === 'PARTIAL' ? TRUST.PARTIAL : TRUST.LOST
  state.currentEpoch = Number(optionOf(words, 'current') ?? state.lastEpoch)
  state.formed = state.currentEpoch > 0
  state.acceptedEpoch = Number(optionOf(words, 'accepted') ?? state.currentEpoch)
  epochsChanged(state)
  commitUpTo(state, Number(optionOf(words, 'committed') ?? 0))
  store(state)
  script.phases[replica] = phaseOf(state)
}

export function crash(script: Script, replica: number): void {
  script.down.add(replica)
  script.trace.push(`${replica}: crashes`)
}

export function restart(script: Script, replica: number): void {
  const old = item(script.states, replica)
  const state = createScriptState(script.words, replica, old.config.incarnation + LIFE, FAILURE_TICKS)
  if (state.config.durable) readBack(state, old)
  script.states[replica] = state
  meetAll(script, state)
  script.down.delete(replica)
  script.phases[replica] = phaseOf(state)
  script.trace.push(`${replica}: starts again, ${phaseOf(state)}`)
}

export function passTime(script: Script, ticks: number): void {
  for (let passed = 0; passed < ticks; passed += STEP_TICKS) {
    script.tick += STEP_TICKS
    settle(script)
    if (script.tick % BEAT_TICKS !== 0) continue
    for (const state of script.states) if (!script.down.has(state.config.replica)) carryAlive(script, state)
  }
}

/** Turns at one moment, until nobody has anything to say: messages take no time. */
function settle(script: Script): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    let busy = false
    script.states.forEach((state, id) => {
      if (script.down.has(id)) return
      phaseTick(state, true, script.tick)
      reportPhase(script, state)
      flush(state, script.tick)
      if (carry(script, state) > 0) busy = true
      if (store(state)) busy = true
      reportCommits(script, state)
    })
    if (!busy) return
  }
  throw new Error('script: the cluster does not come to rest')
}

/** The log of a durable replica takes no time either, but a turn. True when it stored something. */
function store(state: State): boolean {
  if (!state.config.durable) return false
  const isBehind = state.lastStored !== state.lastHeld || state.epochsStored !== state.epochsVersion
  state.lastStored = state.lastHeld
  state.epochsStored = state.epochsVersion
  state.storeNext = state.history.next
  state.truncateOwed = -1
  return isBehind
}

/** As a recovery leaves it. */
function readBack(state: State, old: State): void {
  const { history } = old
  for (let index = history.first; index < history.next; index++) {
    appendEntry(state, history.epoch[index & history.mask] ?? 0)
  }
  assert(state.lastHeld === old.lastHeld, 'script: entries of one operation each are read back')
  state.acceptedEpoch = old.acceptedEpoch
  state.currentEpoch = old.currentEpoch
  if (state.currentEpoch > 0) state.trust = TRUST.WHOLE
  state.formed = state.currentEpoch > 0
  commitUpTo(state, old.lastCommitted)
  store(state)
}

function reportPhase(script: Script, state: State): void {
  const { replica } = state.config
  const phase = phaseOf(state)
  if (script.phases[replica] === phase) return
  script.phases[replica] = phase
  script.trace.push(`${replica}: ${phase}`)
}

function phaseOf(state: State): string {
  const name = (names: Readonly<Record<string, number>>, value: number): string =>
    Object.entries(names).find(([, each]) => each === value)?.[0] ?? ''
  const place = `${name(PHASE, state.phase)} ${name(ROLE, state.role)}`
  const whom = state.role === ROLE.LEADING || state.leader < 0 ? '' : ` ${state.leader}`
  const epochs = `accepted ${state.acceptedEpoch} current ${state.currentEpoch}`
  return `${place}${whom}, ${name(TRUST, state.trust)}, ${epochs}`
}

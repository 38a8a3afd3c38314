/**
 * Runs a protocol script: the pure protocol alone, with messages carried by hand and a trace of all that happens.
 *
 *   cluster replicas=3 [multicast=yes] [quorum=all] [history=BYTES]
 *   cut A->B | mend A->B               nothing from A arrives at B; or again
 *   drop FROM->TO KIND [counter=N]     the next such message is lost for that receiver
 *   repeat FROM->TO KIND [counter=N]   the next such message arrives twice
 *   hold FROM->TO KIND [counter=N]     the next such message arrives at `release`
 *   release                            held messages arrive, oldest first
 *   propose REPLICA count=N [own]      packs and orders N operations as one proposal; own: nobody else waits for it
 *   stale FROM->TO KIND counter=N epoch=E [incarnation=I]   a message of another time arrives
 *   tick N                             time passes, in ticks of 100 microseconds
 *   stabilize                          turns until nobody has anything to say
 *
 * Or from the beginning, with elections; the trace then tells of phases, and leaves out votes and signs of life:
 *
 *   looking replicas=3 [observers=N] [durable=yes] [said=all]
 *   has REPLICA EPOCHxCOUNT ... [accepted=E] [current=E] [committed=N] [trust=LOST|PARTIAL|WHOLE]   it starts with that
 *   hollow REPLICA                     it gave up what it had for a snapshot, which did not come
 *   crash REPLICA                      it is gone, and what it had in memory
 *   restart REPLICA                    a new life: with what its log has, if durable
 *   time TICKS                         passes, in steps
 *   mark WORDS                         stand in the trace at this place
  */

import { setCommitted, setCounter, writeHeader } from '../../src/zab/header.js'
import { item } from '../../src/assert.js'
import { forgetHistory } from '../../src/zab/forgetting.js'
import { historyRoom } from '../../src/zab/history.js'
import { awaitCommit, propose } from '../../src/zab/leader.js'
import { flush, historyKeeps } from '../../src/zab/replica.js'
import { BODY_OFFSET, CONTROL_BYTES, KIND, TAG_BYTES } from '../../src/zab/wire.js'
import { establish } from './established.js'
import { crash, lookForLeaders, passTime, restart, startWith } from './script-lives.js'
import { carry, CLUSTER, createScript, createScriptState, deliver } from './script-world.js'
import { describe, optionOf, reportCommits } from './script-world.js'
import type { Script } from './script-world.js'

const PACK_BYTES = 128
const ROUNDS_MAX = 100
/** Nobody is taken for dead in scripts about an established epoch. */
const FAILURE_TICKS = 50_000

/** The trace of a script, a line each. */
export function runScript(text: string): string[] {
  const script = createScript()
  for (const line of text.split('\n')) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/).filter((word) => word !== '')
    if (words.length > 0) runCommand(script, words)
  }
  return script.trace
}

function runCommand(script: Script, words: readonly string[]): void {
  const [command, first = '', second = ''] = words
  switch (command) {
    case 'cluster':
      return createCluster(script, words)
    case 'drop':
    case 'repeat':
    case 'hold': {
      const [from, to] = first.split('->').map(Number)
      const counter = optionOf(words, 'counter')
      script.rules.push({
        action: command,
        from: from ?? 0,
        to: to ?? 0,
        kind: second,
        counter: counter === null ? null : Number(counter),
      })
      return
    }
    case 'cut':
      script.cuts.add(first)
      return
    case 'mend':
      script.cuts.delete(first)
      return
    case 'release':
      for (const held of script.held.splice(0)) {
        const note = deliver(script, held.to, held.bytes)
        script.trace.push(`${held.from}->${held.to} ${describe(held.bytes)} released${note}`)
      }
      return
    case 'propose':
      return proposeAt(script, Number(first), Number(optionOf(words, 'count') ?? 1), words.includes('own'))
    case 'stale':
      return sendStale(script, words)
    case 'tick':
      script.tick += Number(first)
      return
    case 'stabilize':
      return stabilize(script)
    case 'looking':
      return lookForLeaders(script, words)
    case 'has':
      return startWith(script, Number(first), words.slice(2))
    case 'hollow':
      return forgetHistory(item(script.states, Number(first)))
    case 'crash':
      return crash(script, Number(first))
    case 'restart':
      return restart(script, Number(first))
    case 'mark':
      script.trace.push(`-- ${words.slice(1).join(' ')}`)
      return
    case 'time':
      return passTime(script, Number(first))
    default:
      throw new Error(`script: unknown command ${command ?? ''}`)
  }
}

function createCluster(script: Script, words: readonly string[]): void {
  const replicas = Number(optionOf(words, 'replicas') ?? 3)
  for (let replica = 0; replica < replicas; replica++) {
    const state = createScriptState(words, replica, 10 + replica, FAILURE_TICKS)
    for (let other = 0; other < replicas; other++) state.incarnations[other] = 10 + other
    script.states.push(state)
  }
  establish(script.states, 0, 1, script.tick)
  for (const state of script.states) {
    state.heartbeatTick = Infinity // heartbeats are asked for by `tick` in scripts about them only
    state.ackOwed = false
  }
}

function proposeAt(script: Script, replica: number, operations: number, isOwn: boolean): void {
  const state = item(script.states, replica)
  const room = historyRoom(state.history, PACK_BYTES, historyKeeps(state, script.tick))
  if (room === 0) {
    script.trace.push(`${replica}: no room in the history`)
    return
  }
  propose(state, PACK_BYTES, BODY_OFFSET + TAG_BYTES, operations, script.tick)
  if (!isOwn) awaitCommit(state)
  state.heartbeatTick = script.tick + 100
}

/** A message that some earlier life or epoch left in the network. */
function sendStale(script: Script, words: readonly string[]): void {
  const [from = 0, to = 0] = (words[1] ?? '').split('->').map(Number)
  const kind = Object.entries(KIND).find(([name]) => name === words[2])?.[1] ?? 0
  const bytes = new Uint8Array(CONTROL_BYTES + 64)
  const view = new Uint32Array(bytes.buffer)
  const incarnation = Number(optionOf(words, 'incarnation') ?? 10 + from)
  const sender = { cluster: CLUSTER, sender: from, incarnation }
  const length = kind === KIND.PROPOSE ? BODY_OFFSET + TAG_BYTES : CONTROL_BYTES
  writeHeader(view, 0, sender, kind, length, Number(optionOf(words, 'epoch') ?? 1), 1)
  setCounter(view, 0, Number(optionOf(words, 'counter') ?? 0))
  setCommitted(view, 0, Number(optionOf(words, 'committed') ?? 0))
  const note = deliver(script, to, bytes.subarray(0, length))
  script.trace.push(`${from}->${to} ${describe(bytes)} stale${note}`)
}

function stabilize(script: Script): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    let sends = 0
    for (const state of script.states) {
      flush(state, script.tick)
      sends += carry(script, state)
    }
    for (const state of script.states) reportCommits(script, state)
    if (sends === 0) return
  }
  throw new Error('script: the cluster does not come to rest')
}

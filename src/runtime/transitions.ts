/**
 * What a change of phase means beyond the protocol: where forwards go, who may stay attached, and whether the state
 * machine is still what the history says.
 */

import { endTransfer } from './donor.js'
import type { Core } from './core.js'
import { dropForwards, joinLeader, leadOwn, leaveLeader } from './forwarding.js'
import { dismissFronts } from './fronts.js'
import { dismissAll } from './home.js'
import { beginLoad, drainLoad, endLoad, isLoadStuck, stopLoad } from './learner.js'
import { recover } from './recovery.js'
import { abandonSnapshot } from './snapshots.js'
import { isAllStored, lowerMarks, reopenLog, storeBase } from './storing.js'
import { stepDown } from '../zab/replica.js'
import { settleClaim } from '../zab/forgetting.js'
import { epochsChanged, PHASE, ROLE, TRUST } from '../zab/state.js'

/** Without a place in an epoch for so long, clients are sent elsewhere: 500 ms. */
const PLACELESS_TICKS = 5000
/** After a load that failed: 200 ms. */
const GIVEN_UP_TICKS = 2000

/** Once a turn, after the phases have moved on. */
export function followPhase(core: Core, tick: number): void {
  const { state } = core
  if (!drainLoad(core.learner, tick) || isLoadStuck(core.learner, tick)) giveUpLoad(core, tick)
  // After all that may give the state up: nothing else of this turn may meet one that is half loaded.
  if (core.generation !== state.generation) beginAnew(core, tick)
  const placed = state.phase === PHASE.BROADCAST && state.transfer === 0
  if (placed) {
    core.placedTick = tick
    takePlace(core, tick)
  } else {
    losePlace(core, tick)
  }
}

/** The leader is left alone for a while: what failed once would fail again at once. */
function giveUpLoad(core: Core, tick: number): void {
  const { state } = core
  const { leader } = state
  stepDown(state, tick)
  if (leader >= 0) state.peers.shunTick[leader] = tick + GIVEN_UP_TICKS
}

/** In an established epoch: forwards go to its leader, or are ordered here. */
function takePlace(core: Core, tick: number): void {
  const { state, forwarding } = core
  const leads = state.role === ROLE.LEADING
  if (core.epoch === state.acceptedEpoch && core.led === leads && (leads || forwarding.joined === state.joins)) return
  core.epoch = state.acceptedEpoch
  core.led = leads
  if (leads) leadOwn(forwarding)
  else joinLeader(forwarding, tick)
}

function losePlace(core: Core, tick: number): void {
  const { state } = core
  if (core.epoch !== 0) {
    leaveLeader(core.forwarding)
    // What a leader proposed for its own clients alone may be abandoned: they ask another again.
    if (core.led) dismissClients(core)
    core.epoch = 0
    core.led = false
    core.placedTick = tick
  }
  if (state.transfer === 0 && tick - core.placedTick < PLACELESS_TICKS) return
  if (core.home.links.byKey.size > 0 || core.fronts !== null || core.memcached !== null) dismissClients(core)
  core.placedTick = tick
}

/** What was applied is void: a snapshot follows, or the history from its beginning. */
function beginAnew(core: Core, tick: number): void {
  const { state } = core
  core.generation = state.generation
  if (core.storing !== null) lowerMarks(core.storing, 0)
  dismissClients(core)
  stopLoad(core.learner)
  endTransfer(core.donor)
  if (core.snapshots !== null) abandonSnapshot(core.snapshots)
  dropForwards(core.forwarding)
  core.epoch = 0
  core.led = false
  if (state.transfer !== 0) return beginLoad(core.learner, tick)
  core.machine.reset()
  if (core.storing === null) return
  // The state in memory is given up; the disk has what this replica had before, unless that is void, too.
  reopenLog(core.storing, state.abandoned)
  state.abandoned = false
  recoverCore(core)
  epochsChanged(state)
}

/** Takes what the disk has. Before the first turn, and when the state in memory was given up. */
export function recoverCore(core: Core): void {
  const { state, storing } = core
  if (storing === null) return
  const { clock, layout, machine } = core
  const whole = state.config.durable
  const hollow = state.trust === TRUST.HOLLOW
  core.recovered = recover(state, machine, storing.log, layout.part, whole, () => clock.micros() / 1000)
  if (hollow) settleClaim(state)
  isAllStored(storing)
  core.generation = state.generation
}

/** The snapshot is loaded, and stored where there is a log. */
export function finishLoad(core: Core, tick: number): void {
  const { state, learner, storing } = core
  // The log's buffer may be full for now.
  if (storing !== null && !storeBase(storing, learner.counter, learner.epoch)) return
  endLoad(learner)
  state.transfer = 0
  state.history.extended = false
  state.askTick = tick
  epochsChanged(state)
}

function dismissClients(core: Core): void {
  dismissAll(core.home)
  if (core.fronts !== null) dismissFronts(core.fronts)
  core.memcached?.dismiss()
}

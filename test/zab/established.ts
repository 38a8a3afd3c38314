/** A cluster in the BROADCAST phase of an epoch, as an election leaves it: for tests of what comes after. */

import { STAGE } from '../../src/zab/peers.js'
import type { State } from '../../src/zab/state.js'
import { PHASE, ROLE, TRUST } from '../../src/zab/state.js'

export function establish(states: readonly State[], leader: number, epoch: number, tick: number): void {
  for (const state of states) {
    const { replica, members } = state.config
    const leads = replica === leader
    state.phase = PHASE.BROADCAST
    state.role = leads ? ROLE.LEADING : ROLE.FOLLOWING
    state.leader = leader
    state.trust = TRUST.WHOLE
    state.phaseTick = tick
    state.acceptedEpoch = epoch
    state.currentEpoch = epoch
    state.targetCounter = state.lastHeld
    state.heardTick.fill(tick)
    if (!leads) continue
    state.newEpoch = epoch
    state.established = true
    state.heartbeatTick = tick
    for (let id = 0; id < members; id++) {
      state.peers.stage[id] = STAGE.ACTIVE
      state.peers.whole[id] = 1
      state.peers.activeTick[id] = tick
    }
  }
}

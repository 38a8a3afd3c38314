/** Where a replica stands, in words: for traces, and for failures. */

import { at } from '../../src/assert.js'
import { COUNT, COUNTER_NAMES } from '../../src/zab/counters.js'
import { PHASE, ROLE } from '../../src/zab/state.js'
import type { State } from '../../src/zab/state.js'
import type { SimCluster, SimNode } from './cluster.js'
import type { SimReplica } from './sim-replica.js'

const PHASES = Object.keys(PHASE)
const ROLES = Object.keys(ROLE)
const TRUSTS = ['LOST', 'PARTIAL', 'WHOLE', 'HOLLOW']

function briefly(state: State): string {
  const leader = state.leader < 0 ? '' : ` leader ${state.leader}`
  const epochs = `accepted ${state.acceptedEpoch} current ${state.currentEpoch}`
  return `${PHASES[state.phase]} ${ROLES[state.role]}${leader} ${TRUSTS[state.trust]} ${epochs}`
}

/** Says what is new of a replica's place in the cluster. */
export function tellChange(cluster: SimCluster, node: SimNode, replica: SimReplica): void {
  const { state } = replica.core
  const { watch } = replica
  const { trace, tick } = cluster.network
  const text = `replica ${node.id} ${briefly(state)}${state.transfer === 0 ? '' : ' loading'}`
  if (text === watch.told) return
  watch.told = text
  trace.say(tick, `${text} last (${state.lastEpoch},${state.lastHeld}) committed ${state.lastCommitted}`)
}

/** Datagrams that were ignored, by reason. */
function droppedBy(state: State): string {
  const names = COUNTER_NAMES.filter((name, index) => name.startsWith('ignored') && at(state.counters, index) > 0)
  return names.map((name) => `${name.slice('ignored-'.length)}:${at(state.counters, COUNT[name])}`).join(',')
}

/** All of it. */
export function describeNode(cluster: SimCluster, node: SimNode): string {
  const { replica } = node
  if (replica === null) return `${node.id}: crashed`
  const { core, incarnation } = replica
  const { state, forwarding, home, donor, learner } = core
  const { peers, history } = state
  const nodes = cluster.nodes.length
  return (
    `${node.id}/${incarnation}: ${briefly(state)} last (${state.lastEpoch},${state.lastHeld}) ` +
    `proposed ${state.lastProposed} committed ${state.lastCommitted} applied ${state.lastApplied} ` +
    `transfer ${state.transfer} target ${state.targetCounter} stages ${[...peers.stage.subarray(0, nodes)]} ` +
    `whole ${[...peers.whole.subarray(0, nodes)]} acked ${[...state.acked.subarray(0, nodes)]} ` +
    `transfers ${[...peers.transfer.subarray(0, nodes)]} donor ${donor.transfer} to ${donor.to} ` +
    `${donor.link === null ? 'idle' : 'busy'} learner ${learner.transfer} ${learner.link === null ? 'idle' : 'busy'} ` +
    `incarnations ${[...state.incarnations.subarray(0, nodes)]} joins ${state.joins} ` +
    `history ${history.first}..${history.next} commit ${state.commitNext} send ${state.sendNext} ` +
    `forwards ${forwarding.ring.first}..${forwarding.ring.next} sent ${forwarding.sendNext} ` +
    `dropped ${droppedBy(state)} ` +
    `links ${home.links.byKey.size} deferred ${home.deferred.length} park ${state.parkCount}`
  )
}

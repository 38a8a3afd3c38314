/** Received datagrams on their way to who handles them: the protocol, forwards, a snapshot's transfer, clients. */

import { at } from '../assert.js'
import { RX_ROW } from '../transport/endpoint.js'
import { countOf, kindOf, senderOf } from '../zab/header.js'
import { ignorePeer, isNewLife, onPeerDatagram, stepDown } from '../zab/replica.js'
import { count, ROLE } from '../zab/state.js'
import { KIND } from '../zab/wire.js'
import type { Core } from './core.js'
import { isServing, QUEUE_CLIENTS, QUEUE_PEERS } from './core.js'
import { onTransferAck } from './donor.js'
import { onForward, onForwardAck } from './forwarding.js'
import { onClientDatagram } from './home.js'
import { onSnapshot } from './learner.js'
import { countTraffic } from './traffic.js'

/** Everything but FORWARDs, which need a pack span and come after the phases have moved on. */
export function onPeerRow(core: Core, row: number, tick: number): void {
  const { state } = core
  const offset = at(rowsOf(core, QUEUE_PEERS), row * RX_ROW.WORDS + RX_ROW.offset)
  const kind = kindOf(state.words, offset)
  countTraffic(core.received, kind, lengthOfRow(core, QUEUE_PEERS, row))
  if (kind === KIND.FORWARD) return
  if (kind !== KIND.LINK_ACK && kind !== KIND.SNAPSHOT) {
    if (isNewLife(state, offset)) core.strangers.add(senderOf(state.words, offset))
    onPeerDatagram(state, offset, tick)
    return
  }
  const ignored = ignorePeer(state, offset, tick)
  if (ignored !== null) return count(state, ignored)
  if (kind === KIND.SNAPSHOT) {
    if (!onSnapshot(core.learner, offset, tick)) {
      drop(core, 'snapshot-malformed')
      stepDown(state, tick)
    }
  } else if (countOf(state.words, offset) !== 0) {
    onTransferAck(core.donor, offset, tick)
  } else {
    onForwardAck(core.forwarding, offset, tick)
  }
}

/** FORWARDs of the same rows. */
export function onForwardRow(core: Core, row: number, packing: boolean, tick: number): void {
  const { state } = core
  const offset = at(rowsOf(core, QUEUE_PEERS), row * RX_ROW.WORDS + RX_ROW.offset)
  if (kindOf(state.words, offset) !== KIND.FORWARD) return
  const ignored = ignorePeer(state, offset, tick)
  if (ignored !== null) return count(state, ignored)
  if (state.role !== ROLE.LEADING || !state.established) return count(state, 'ignored-not-leading')
  if (!packing) return count(state, 'ignored-no-room')
  const dropped = onForward(core.forwarding, offset, tick)
  if (dropped !== null) drop(core, dropped)
}

export function onClientRow(core: Core, row: number, tick: number): void {
  const offset = at(rowsOf(core, QUEUE_CLIENTS), row * RX_ROW.WORDS + RX_ROW.offset)
  const kind = kindOf(core.state.words, offset)
  countTraffic(core.received, kind, lengthOfRow(core, QUEUE_CLIENTS, row))
  onClientDatagram(core.home, row, offset, kind, isServing(core), tick)
}

function drop(core: Core, reason: string): void {
  core.drops.set(reason, (core.drops.get(reason) ?? 0) + 1)
}

function rowsOf(core: Core, queue: number): Uint32Array {
  return core.endpoint.rxRows[queue] as Uint32Array
}

function lengthOfRow(core: Core, queue: number, row: number): number {
  return at(rowsOf(core, queue), row * RX_ROW.WORDS + RX_ROW.length)
}

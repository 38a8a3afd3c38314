/** The part of a replica's report that its workers share: what each counts, and the sums of it. */

import { at } from '../assert.js'
import { MACHINE_COUNTERS } from '../store/machine.js'
import { ENDPOINT_COUNTERS } from '../transport/endpoint.js'
import { COUNT, COUNTER_NAMES } from '../zab/counters.js'
import type { Core } from './core.js'
import {
  dropFigures,
  endpointFigures,
  figureOf,
  receivedFigures,
  sentFigures,
} from './figures.js'
import type { Front } from './fronts.js'
import { homeLinkCount } from './home.js'
import type { TransportReport, WorkerReport } from './options.js'
import { createTraffic } from './traffic.js'
import type { Traffic } from './traffic.js'

type MachineCounter = (typeof MACHINE_COUNTERS)[number]
type EndpointCounter = (typeof ENDPOINT_COUNTERS)[number]

export function reportWorkers(core: Core, provider: 'udp' | 'verbs'): WorkerReport[] {
  const fronts = core.fronts?.list ?? []
  const rows = fronts.map((front) => reportFront(front, provider))
  const beyond = (count: 'requests' | 'reads' | 'writes'): number =>
    rows.reduce((sum, row) => sum + row[count], 0)
  const own: WorkerReport = {
    worker: 0,
    links: homeLinkCount(core.home),
    requests: machineCount(core, 'requests') - beyond('requests'),
    // A front's read counts when it is taken, and in the machine's sum when it is answered.
    reads: Math.max(0, machineCount(core, 'reads') - beyond('reads')),
    writes: machineCount(core, 'writes-taken') - beyond('writes'),
    wakeUps: core.fronts?.wakeUps ?? 0,
    signals: core.fronts?.signals ?? 0,
    stalls: core.home.stalls,
    transport: reportTransport(provider, core.endpoint.counters),
  }
  return [own, ...rows]
}

export function reportTransport(
  provider: 'udp' | 'verbs',
  counters: Float64Array,
): TransportReport {
  const doorbells = endpointCount(counters, 'tx-calls')
  const receives = endpointCount(counters, 'rx-calls')
  return {
    provider,
    doorbells,
    datagramsPerDoorbell: ratio(endpointCount(counters, 'tx-datagrams'), doorbells),
    receiveCalls: receives,
    datagramsPerReceiveCall: ratio(endpointCount(counters, 'rx-datagrams'), receives),
    inlineSends: endpointCount(counters, 'tx-inline'),
    waits: endpointCount(counters, 'wait-calls'),
    waitsBlocked: endpointCount(counters, 'wait-blocked'),
    systemCalls: endpointCount(counters, 'system-calls'),
  }
}

/** Every reason that was ever counted, from the endpoints, the ladder, the forwards and the clients' side. */
export function reportDrops(core: Core): Record<string, number> {
  const drops: Record<string, number> = {}
  const counters = endpointOfAll(core)
  for (const name of ENDPOINT_COUNTERS) {
    if (name.startsWith('dropped-')) addDrop(drops, name.slice(8), endpointCount(counters, name))
  }
  addDrop(drops, 'tx-refused', endpointCount(counters, 'tx-refused'))
  for (const name of COUNTER_NAMES) {
    if (name.startsWith('ignored-')) addDrop(drops, name.slice(8), at(core.state.counters, COUNT[name]))
  }
  for (const [reason, count] of core.drops) addDrop(drops, reason, count)
  for (const [reason, count] of core.home.drops) addDrop(drops, reason, count)
  for (const front of core.fronts?.list ?? []) {
    for (const [reason, count] of dropFigures(front.figures)) addDrop(drops, reason, count)
  }
  return drops
}

/** By ENDPOINT_COUNTERS. */
export function endpointOfAll(core: Core): Float64Array {
  const sum = core.endpoint.counters.slice()
  for (const front of core.fronts?.list ?? []) addTo(sum, endpointFigures(front.figures))
  return sum
}

export function sentByAll(core: Core): Traffic {
  return trafficOfAll(core.sent, core, sentFigures)
}

export function receivedByAll(core: Core): Traffic {
  return trafficOfAll(core.received, core, receivedFigures)
}

export function frontFigures(core: Core, name: 'links' | 'resent'): number {
  return (core.fronts?.list ?? []).reduce((sum, front) => sum + figureOf(front.figures, name), 0)
}

/** Turns in which requests waited for room, at the fronts and in the rings. */
export function frontStalls(core: Core): number {
  const fronts = core.fronts?.list ?? []
  return fronts.reduce((sum, front) => sum + stallsOf(front), 0)
}

export function machineCount(core: Core, name: MachineCounter): number {
  return at(core.machine.counters, MACHINE_COUNTERS.indexOf(name))
}

export function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 100) / 100
}

function reportFront(front: Front, provider: 'udp' | 'verbs'): WorkerReport {
  const { worker, figures } = front
  return {
    worker,
    links: figureOf(figures, 'links'),
    requests: front.requestsTaken,
    reads: front.readsTaken,
    writes: front.writesTaken,
    wakeUps: figureOf(figures, 'wakeUps'),
    signals: figureOf(figures, 'signals'),
    stalls: stallsOf(front),
    transport: reportTransport(provider, endpointFigures(figures)),
  }
}

function stallsOf(front: Front): number {
  return figureOf(front.figures, 'stalls') + front.stalls
}

function trafficOfAll(own: Traffic, core: Core, of: (figures: Float64Array) => Traffic): Traffic {
  const sum = createTraffic()
  for (const each of [own, ...(core.fronts?.list ?? []).map((front) => of(front.figures))]) {
    addTo(sum.messages, each.messages)
    addTo(sum.bytes, each.bytes)
  }
  return sum
}

function addTo(sum: Float64Array, each: Float64Array): void {
  each.forEach((value, index) => {
    sum[index] = at(sum, index) + value
  })
}

function addDrop(drops: Record<string, number>, reason: string, count: number): void {
  if (count > 0) drops[reason] = (drops[reason] ?? 0) + count
}

function endpointCount(counters: Float64Array, name: EndpointCounter): number {
  return at(counters, ENDPOINT_COUNTERS.indexOf(name))
}

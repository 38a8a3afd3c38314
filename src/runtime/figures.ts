/**
 * What a front counts, in shared memory: posted by it every tenth of a second, read by worker 0 for reports.
 *
 * A figure is an aligned 64-bit number with one writer. A report may see one figure older than the next; the last
 * post, before the front closes, leaves them all.
 */

import { at } from '../assert.js'
import { ENDPOINT_COUNTERS } from '../transport/endpoint.js'
import { HOME_DROPS } from './home-drops.js'
import type { Home } from './home.js'
import { homeLinkCount } from './home.js'
import { KINDS_MAX } from './traffic.js'
import type { Traffic } from './traffic.js'

/** Then traffic, by kind: messages and bytes sent, messages and bytes received; then the endpoint; then drops. */
const GAUGES = { links: 0, resent: 1, stalls: 2, wakeUps: 3, signals: 4 } as const
const SENT = 8
const RECEIVED = SENT + 2 * KINDS_MAX
const ENDPOINT = RECEIVED + 2 * KINDS_MAX
const DROPS = ENDPOINT + ENDPOINT_COUNTERS.length
export const FIGURES_BYTES = (DROPS + HOME_DROPS.length) * 8

export interface FigureSources {
  readonly home: Home
  readonly sent: Traffic
  readonly received: Traffic
  readonly endpointCounters: Float64Array
  readonly wakeUps: number
  readonly signals: number
}

export function postFigures(figures: Float64Array, from: FigureSources): void {
  const { home } = from
  figures[GAUGES.links] = homeLinkCount(home)
  figures[GAUGES.resent] = home.resent
  figures[GAUGES.stalls] = home.stalls
  figures[GAUGES.wakeUps] = from.wakeUps
  figures[GAUGES.signals] = from.signals
  postTraffic(figures, SENT, from.sent)
  postTraffic(figures, RECEIVED, from.received)
  figures.set(from.endpointCounters, ENDPOINT)
  HOME_DROPS.forEach((reason, index) => {
    figures[DROPS + index] = home.drops.get(reason) ?? 0
  })
}

export function figureOf(figures: Float64Array, name: keyof typeof GAUGES): number {
  return at(figures, GAUGES[name])
}

export function sentFigures(figures: Float64Array): Traffic {
  return trafficAt(figures, SENT)
}

export function receivedFigures(figures: Float64Array): Traffic {
  return trafficAt(figures, RECEIVED)
}

/** By ENDPOINT_COUNTERS. */
export function endpointFigures(figures: Float64Array): Float64Array {
  return figures.subarray(ENDPOINT, DROPS)
}

export function dropFigures(figures: Float64Array): [reason: string, count: number][] {
  return HOME_DROPS.map((reason, index) => [reason, at(figures, DROPS + index)])
}

function postTraffic(figures: Float64Array, base: number, traffic: Traffic): void {
  figures.set(traffic.messages, base)
  figures.set(traffic.bytes, base + KINDS_MAX)
}

function trafficAt(figures: Float64Array, base: number): Traffic {
  return {
    messages: figures.subarray(base, base + KINDS_MAX),
    bytes: figures.subarray(base + KINDS_MAX, base + 2 * KINDS_MAX),
  }
}

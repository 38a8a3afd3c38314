/** Messages and bytes by kind, sent and received. */

import { at } from '../assert.js'
import { KIND } from '../zab/wire.js'
import type { KindCounts } from './options.js'

export const KINDS_MAX = 64

export interface Traffic {
  readonly messages: Float64Array
  readonly bytes: Float64Array
}

export function createTraffic(): Traffic {
  return { messages: new Float64Array(KINDS_MAX), bytes: new Float64Array(KINDS_MAX) }
}

export function countTraffic(traffic: Traffic, kind: number, bytes: number): void {
  const index = kind % KINDS_MAX
  traffic.messages[index] = at(traffic.messages, index) + 1
  traffic.bytes[index] = at(traffic.bytes, index) + bytes
}

export function reportTraffic(traffic: Traffic): Record<string, KindCounts> {
  const report: Record<string, KindCounts> = {}
  for (const [name, kind] of Object.entries(KIND)) {
    const messages = at(traffic.messages, kind)
    if (messages > 0) report[name] = { messages, bytes: at(traffic.bytes, kind) }
  }
  return report
}

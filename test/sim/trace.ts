/** What a run tells about itself, for a person who looks for a fault. Silent unless asked for. */

import { TICKS_PER_MILLI } from '../../src/zab/limits.js'
import { KIND } from '../../src/zab/wire.js'

export interface Trace {
  readonly enabled: boolean
  /** Messages too. */
  readonly verbose: boolean
  say(tick: number, text: string): void
}

export const SILENT: Trace = { enabled: false, verbose: false, say: () => undefined }

export function createTrace(verbose: boolean, print: (line: string) => void): Trace {
  return {
    enabled: true,
    verbose,
    say: (tick, text) => print(`${(tick / TICKS_PER_MILLI).toFixed(1).padStart(9)} ms  ${text}`),
  }
}

const NAMES = new Map<number, string>(Object.entries(KIND).map(([name, kind]) => [kind, name]))

/** A datagram in a line: its kind, epoch, count and counters. */
export function describeDatagram(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const kind = view.getUint8(3)
  const wide = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
  const name = NAMES.get(kind) ?? `kind ${kind}`
  const head = `${name} incarnation ${view.getUint32(20, true)} epoch ${view.getUint32(24, true)}`
  return `${head} count ${view.getUint32(28, true)} counter ${wide(32)} committed ${wide(40)}`
}

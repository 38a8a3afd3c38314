/** The only clock of a replica. The protocol gets its readings as arguments. */

import { TICKS_PER_MILLI } from '../zab/limits.js'

/** Ticks are TICK_MICROS long (zab/limits.ts). */
export interface Clock {
  /** Monotonic. */
  ticks(): number
  /** Microseconds since 1970: what a leader stamps proposals with. */
  micros(): number
}

export function systemClock(): Clock {
  const origin = performance.timeOrigin * 1000
  return {
    ticks: () => Math.floor(performance.now() * TICKS_PER_MILLI),
    micros: () => Math.floor(origin + performance.now() * 1000),
  }
}

/** The only clock of a replica. The protocol gets its readings as arguments. */

/** Ticks are 100 microseconds (zab/link.ts). */
export interface Clock {
  /** Monotonic. */
  ticks(): number
  /** Microseconds since 1970: what a leader stamps proposals with. */
  micros(): number
}

export function systemClock(): Clock {
  const origin = performance.timeOrigin * 1000
  return {
    ticks: () => Math.floor(performance.now() * 10),
    micros: () => Math.floor(origin + performance.now() * 1000),
  }
}

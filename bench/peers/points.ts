/** The points at which every peer is measured, so that all are asked the same. */

import type { Measured, Settings } from '../subject.js'

/** Percent of writes in the plots; 0 and 100 are also the rows of the table. */
export const WRITE_RATIOS = [0, 0.01, 0.05, 0.2, 0.5, 1] as const

export interface Asked {
  readonly writeRatio: number
  /** One operation in flight in all, for latency; or as many as the peer does best with. */
  readonly isAlone: boolean
  readonly seconds: number
  /** The first of this peer's runs: keys are to be written. */
  readonly preload: boolean
}

/** What a native load is told at a point, whatever it is of; its peer adds its own words. */
export interface LoadWords {
  readonly servers: readonly string[]
  readonly keys: number
  readonly connections: number
  /** Of each connection. */
  readonly outstanding: number
}

export function loadWords(
  { writeRatio, isAlone, seconds, preload }: Asked, { servers, keys, connections, outstanding }: LoadWords,
): Record<string, string | number> {
  return {
    servers: servers.join(','),
    keys,
    seconds,
    'write-ratio': writeRatio,
    preload: preload ? 1 : 0,
    connections: isAlone ? 1 : connections,
    outstanding: isAlone ? 1 : outstanding,
  }
}

/** Ratios go upwards: etcd reads worse after many writes than before. */
export async function measurePoints(settings: Settings, ask: (asked: Asked) => Promise<Measured>): Promise<void> {
  const ratios = settings.quick ? [0, 1] : WRITE_RATIOS
  let preload = true
  const askFor = async (point: string, writeRatio: number, isAlone: boolean): Promise<void> => {
    settings.say(point)
    const measured = await ask({ writeRatio, isAlone, seconds: settings.seconds, preload })
    preload = false
    settings.keep(point, { ...measured })
  }
  for (const ratio of ratios) await askFor(`write-ratio=${ratio}`, ratio, false)
  await askFor('one-write', 1, true)
  await askFor('one-read', 0, true)
}

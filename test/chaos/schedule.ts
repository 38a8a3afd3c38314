/** Which faults come when, from a seed alone. Whom they hit is drawn here as shares, and found in faults.ts. */

import { item } from '../../src/assert.js'
import type { Prng } from '../sim/prng.js'

export const FAULT_KINDS = ['kill', 'pause', 'cut', 'cut-one-way', 'restart', 'disk-full'] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export interface Fault {
  readonly kind: FaultKind
  /** Between the start of the one before and the start of this one. */
  readonly restMillis: number
  readonly millis: number
  /** Shares in [0, 1): each picks one of those that may be hit. */
  readonly victims: readonly number[]
  /** The leader is among them, if it may be. */
  readonly hitsLeader: boolean
  /** Even where no majority is left whole. */
  readonly mayStopAll: boolean
  /** A share in [0, 1) that picks among the ways to do it. */
  readonly way: number
}

export interface Schedule {
  readonly prng: Prng
  readonly kinds: readonly FaultKind[]
  readonly restMillisMean: number
  /** Come first: every kind once, and what could not be done when its turn was. */
  readonly owed: FaultKind[]
}

const MILLIS_MIN = 50
const MILLIS_MAX = 6000

export function createSchedule(prng: Prng, kinds: readonly FaultKind[], restMillisMean: number): Schedule {
  const owed = [...kinds]
  for (let place = owed.length - 1; place > 0; place--) {
    const other = prng.below(place + 1)
    const moved = item(owed, place)
    owed[place] = item(owed, other)
    owed[other] = moved
  }
  return { prng, kinds, restMillisMean, owed }
}

/** As many draws each time, so that one fault that could not be done does not change the later ones. */
export function nextFault(schedule: Schedule): Fault {
  const { prng, kinds, owed, restMillisMean } = schedule
  const drawn = item(kinds, prng.below(kinds.length))
  const rest = prng.unit()
  const length = prng.unit()
  const shares = [prng.unit(), prng.unit(), prng.unit()]
  const many = prng.unit()
  const isOwed = owed.length > 0
  return {
    kind: owed.shift() ?? drawn,
    restMillis: isOwed ? restMillisMean : restMillisMean * -Math.log(1 - rest),
    // As many short as long ones: below and above every timeout.
    millis: MILLIS_MIN * (MILLIS_MAX / MILLIS_MIN) ** length,
    victims: shares.slice(0, many < 0.6 ? 1 : many < 0.9 ? 2 : 3),
    hitsLeader: prng.chance(0.4),
    mayStopAll: prng.chance(0.15),
    way: prng.unit(),
  }
}

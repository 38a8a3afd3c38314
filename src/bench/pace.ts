/**
 * An open loop: operations become due at a rate, whatever has been answered. Latency counts from when an operation was
 * due, so that a stall is seen by all that should have been sent meanwhile.
 */
import { assert } from '../assert.js'

export interface Pace {
  /** Operations a millisecond. */
  readonly rate: number
  startedAt: number
  /** Operations given out so far. */
  issued: number
  /** Places without a batch in flight: a ring, so that sessions take turns. */
  readonly free: Int32Array
  first: number
  count: number
}

export function createPace(perSecond: number, places: number): Pace {
  assert(perSecond > 0 && places > 0, 'pace: an open loop has a rate and places')
  return { rate: perSecond / 1000, startedAt: 0, issued: 0, free: new Int32Array(places), first: 0, count: 0 }
}

export function startPace(pace: Pace, now: number): void {
  pace.startedAt = now
  pace.issued = 0
}

export function givePlace(pace: Pace, token: number): void {
  assert(pace.count < pace.free.length, 'pace: a place is free once')
  pace.free[(pace.first + pace.count) % pace.free.length] = token
  pace.count++
}

/** A free place, or -1. */
export function takePlace(pace: Pace): number {
  if (pace.count === 0) return -1
  const token = pace.free[pace.first] as number
  pace.first = (pace.first + 1) % pace.free.length
  pace.count--
  return token
}

/** Operations that are due and were not given out. */
export function dueOf(pace: Pace, now: number): number {
  return Math.floor((now - pace.startedAt) * pace.rate) - pace.issued
}

/** When the next operation is, or was, due. */
export function nextDueAt(pace: Pace): number {
  return pace.startedAt + (pace.issued + 1) / pace.rate
}

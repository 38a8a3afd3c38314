/**
 * The real state machine, watched: every entry that a replica applies is compared with what the others applied at
 * the same counter. Upholds, as checks: TotalOrder, Agreement (as prefixes), Integrity (applied was proposed).
 */

import { at } from '../../src/assert.js'
import type { Machine } from '../../src/store/machine.js'
import { counterOf, countOf, epochOf, lengthOf } from '../../src/zab/header.js'
import { HEADER } from '../../src/zab/wire.js'

export class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation'
}

interface Applied {
  operations: number
  epoch: number
  hash: number
}

/** What the cluster has applied so far: the longest prefix that any replica reached. */
export interface AppliedLog {
  readonly entries: Map<number, Applied>
  operations: number
}

export function createAppliedLog(): AppliedLog {
  return { entries: new Map(), operations: 0 }
}

/** Same object, with apply() checked against the common log. */
export function checkMachine(
  machine: Machine,
  log: AppliedLog,
  replica: number,
  slab: ArrayBuffer,
): Machine {
  const words = new Uint32Array(slab)
  const bytes = new Uint8Array(slab)
  let next = 1
  return new Proxy(machine, {
    get: (target, property) => {
      if (property !== 'apply') {
        const value: unknown = Reflect.get(target, property, target)
        return typeof value === 'function' ? value.bind(target) : value
      }
      return (count: number): void => {
        for (let row = 0; row < count; row++) {
          const offset = at(target.applyRows, row)
          next = checkEntry(log, replica, words, bytes, offset, next)
        }
        target.apply(count)
      }
    },
  })
}

function checkEntry(
  log: AppliedLog,
  replica: number,
  words: Uint32Array,
  bytes: Uint8Array,
  offset: number,
  expected: number,
): number {
  const counter = counterOf(words, offset)
  if (counter !== expected) {
    throw new SafetyViolation(`replica ${replica} applied ${counter}, but ${expected} comes next`)
  }
  const entry = {
    operations: countOf(words, offset),
    epoch: epochOf(words, offset),
    hash: hashBody(bytes, offset + HEADER.SIZE, offset + lengthOf(words, offset)),
  }
  const known = log.entries.get(counter)
  if (known === undefined) {
    log.entries.set(counter, entry)
    log.operations += entry.operations
  } else if (
    known.operations !== entry.operations ||
    known.epoch !== entry.epoch ||
    known.hash !== entry.hash
  ) {
    throw new SafetyViolation(`replica ${replica} applied another proposal at ${counter}`)
  }
  return counter + entry.operations
}

function hashBody(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let index = from; index < to; index++) {
    hash = Math.imul(hash ^ at(bytes, index), 0x01000193)
  }
  return hash >>> 0
}

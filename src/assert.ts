/**
 * Assertions about our own state. Always on: Zab survives a stopped replica, not a wrong one.
 *
 * Never used on what the network or a user says; that is dropped with a reason or refused with a status.
 */

/** The code contradicts itself. The replica stops. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
  readonly code = 'ASSERTION'
}

/** `invariant` is a constant sentence that states the fact positively. */
export function assert(fact: boolean, invariant: string): asserts fact {
  if (!fact) throw new AssertionError(invariant)
}

type Column =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int32Array
  | Float64Array

/** Reads a column at an index that must exist. */
export function at(column: Column, index: number): number {
  const value = column[index]
  assert(value !== undefined, 'at: the index is inside the column')
  return value
}

/** Reads an array at an index that must exist. */
export function item<T>(array: readonly T[], index: number): T {
  assert(index >= 0 && index < array.length, 'item: the index is inside the array')
  return array[index] as T
}

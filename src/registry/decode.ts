/**
 * Readers of foreign JSON for the directory's documents: every field is checked, or the document is
 * unreadable.
 */

/** `reason` completes "it is unreadable: ...". */
export type Decoded<T> = { ok: true; value: T } | { ok: false; reason: string }

/** Thrown by the readers and caught in `decode`; never leaves this file. */
class Unreadable extends Error {}

export type Fields = Readonly<Record<string, unknown>>

/**
 * Runs `read` over the text's object. `read` builds its result field by field, so that nothing
 * foreign slips in.
 */
export function decode<T>(text: string, read: (fields: Fields) => T): Decoded<T> {
  try {
    return { ok: true, value: read(asFields(parseJson(text), 'the value')) }
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, reason: error.message }
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Unreadable('it is not JSON')
  }
}

function asFields(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Unreadable(`${name} is not an object`)
  }
  return value as Fields
}

export function readObject(fields: Fields, name: string): Fields {
  return asFields(own(fields, name), name)
}

export function readList<T>(
  fields: Fields,
  name: string,
  countMax: number,
  read: (value: unknown) => T,
): T[] {
  const list = own(fields, name)
  if (!Array.isArray(list) || list.length > countMax) {
    throw new Unreadable(`${name} is not a list of at most ${countMax}`)
  }
  return list.map((value: unknown) => read(value))
}

export function readInteger(fields: Fields, name: string, min: number, max: number): number {
  return asInteger(own(fields, name), name, min, max)
}

export function asInteger(value: unknown, name: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return value
  }
  throw new Unreadable(`${name} is not an integer from ${min} to ${max}`)
}

export function readText(
  fields: Fields,
  name: string,
  pattern: RegExp,
  charactersMax: number,
): string {
  const value = own(fields, name)
  if (typeof value !== 'string' || value.length > charactersMax || !pattern.test(value)) {
    throw new Unreadable(`${name} is not a text of the right form`)
  }
  return value
}

export function readOneOf<T extends string>(
  fields: Fields,
  name: string,
  choices: readonly T[],
): T {
  const value = own(fields, name)
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw new Unreadable(`${name} is not one of ${choices.join(', ')}`)
  return choice
}

/** `read` where the field is an object; null where it is null. */
export function readOptional<T>(
  fields: Fields,
  name: string,
  read: (inner: Fields) => T,
): T | null {
  const value = own(fields, name)
  return value === null ? null : read(asFields(value, name))
}

export function asObject(value: unknown, name: string): Fields {
  return asFields(value, name)
}

export function demand(fact: boolean, reason: string): void {
  if (!fact) throw new Unreadable(reason)
}

function own(fields: Fields, name: string): unknown {
  if (!Object.hasOwn(fields, name)) throw new Unreadable(`${name} is missing`)
  return fields[name]
}

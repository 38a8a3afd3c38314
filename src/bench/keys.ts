/**
 * Which keys a load touches: numbered ones by a distribution, or those of a trace file in its order.
 *
 * A numbered key is its id as eight hexadecimal digits after zeros: `zabkv get 0000002a` reads key 42.
 */
import { readFile } from 'node:fs/promises'
import { assert } from '../assert.js'
import { ZabkvError } from '../errors.js'
import { KEY_BYTES_MAX } from '../zab/limits.js'
import { below, fillWords, type Random } from './random.js'
import { KEY_DIGITS, type WorkloadOptions } from './workload-options.js'
import { createZipf, createZipfRoom, drawZipf, type Zipf, type ZipfRoom } from './zipf.js'

/** Distinct keys of a trace, and the ids of its lines. */
export interface Trace {
  readonly bytes: Uint8Array
  /** Where key `id` starts; one more at the end. */
  readonly offsets: Uint32Array
  readonly lines: Uint32Array
}

export type KeySource =
  | { readonly kind: 'uniform'; readonly keys: number }
  | { readonly kind: 'single'; readonly keys: 1 }
  | { readonly kind: 'zipf'; readonly keys: number; readonly zipf: Zipf }
  | { readonly kind: 'trace'; readonly keys: number; readonly trace: Trace }

const ZERO = 0x30
/** From what follows '9' to 'a'. */
const LETTER_OFFSET = 0x61 - 0x3a

export async function createKeySource(options: WorkloadOptions): Promise<KeySource> {
  const { keys, distribution } = options
  if (distribution === 'uniform') return { kind: 'uniform', keys }
  if (distribution === 'single') return { kind: 'single', keys: 1 }
  if (distribution === 'zipf') {
    return { kind: 'zipf', keys, zipf: createZipf(keys, options.zipfExponent, options.seed) }
  }
  assert(options.traceFile !== null, 'keys: a checked trace workload names its file')
  const trace = await readTrace(options.traceFile)
  return { kind: 'trace', keys: trace.offsets.length - 1, trace }
}

async function readTrace(file: string): Promise<Trace> {
  let text: Buffer
  try {
    text = await readFile(file)
  } catch (cause) {
    const sentence = `The trace file ${file} cannot be read: ${(cause as Error).message}.`
    throw new ZabkvError('BAD_ARGUMENT', sentence, { cause })
  }
  return parseTrace(text, file)
}

/** One key a line, as bytes; empty lines are skipped. */
export function parseTrace(text: Uint8Array, file: string): Trace {
  const ids = new Map<string, number>()
  const lines: number[] = []
  const offsets = [0]
  const bytes = new Uint8Array(text.length)
  const latin = Buffer.from(text.buffer, text.byteOffset, text.length).toString('latin1')
  let end = 0
  latin.split(/\r?\n/).forEach((line, index) => {
    if (line.length === 0) return
    if (line.length > KEY_BYTES_MAX) throw tooLong(file, index + 1, line.length)
    let id = ids.get(line)
    if (id === undefined) {
      id = ids.size
      ids.set(line, id)
      for (let at = 0; at < line.length; at++) bytes[end++] = line.charCodeAt(at)
      offsets.push(end)
    }
    lines.push(id)
  })
  if (lines.length === 0) {
    throw new ZabkvError('BAD_ARGUMENT', `The trace file ${file} has no key: write one a line.`)
  }
  return { bytes, offsets: Uint32Array.from(offsets), lines: Uint32Array.from(lines) }
}

function tooLong(file: string, line: number, bytes: number): ZabkvError {
  const sentence = `Line ${line} of the trace file ${file} has ${bytes} bytes; a key has at most ${KEY_BYTES_MAX}.`
  return new ZabkvError('KEY_TOO_LONG', sentence)
}

/** What drawing a batch needs for itself; one for all batches. */
export interface DrawRoom {
  readonly words: Int32Array
  readonly zipf: ZipfRoom
}

export function createDrawRoom(count: number): DrawRoom {
  return { words: new Int32Array(2 * count), zipf: createZipfRoom(count) }
}

/** Draws ids[0, count). `start`: lines of the trace drawn so far. */
export function drawIds(
  source: KeySource,
  random: Random,
  start: number,
  ids: Uint32Array,
  count: number,
  room: DrawRoom,
): void {
  const { words } = room
  if (source.kind === 'uniform') {
    fillWords(random, words, count)
    for (let index = 0; index < count; index++) ids[index] = below(words[index] as number, source.keys)
  } else if (source.kind === 'zipf') {
    fillWords(random, words, 2 * count)
    drawZipf(source.zipf, words, ids, count, room.zipf)
  } else if (source.kind === 'single') {
    ids.fill(0, 0, count)
  } else {
    const { lines } = source.trace
    let line = start % lines.length
    for (let index = 0; index < count; index++) {
      ids[index] = lines[line] as number
      line = line + 1 === lines.length ? 0 : line + 1
    }
  }
}

/** Writes numbered keys of `keyBytes` each; before the digits there are zeros already (see createKeyRoom). */
export function writeKeys(ids: Uint32Array, count: number, keys: Uint8Array, keyBytes: number): void {
  if (keyBytes % 4 === 0) return writeAlignedKeys(ids, count, keys, keyBytes)
  let at = keyBytes - KEY_DIGITS
  for (let index = 0; index < count; index++) {
    const id = ids[index] as number
    putWord(keys, at, fourDigits(id >>> 16))
    putWord(keys, at + 4, fourDigits(id & 0xffff))
    at += keyBytes
  }
}

function writeAlignedKeys(ids: Uint32Array, count: number, keys: Uint8Array, keyBytes: number): void {
  const words = new Int32Array(keys.buffer, keys.byteOffset, keys.length >>> 2)
  const step = keyBytes >>> 2
  let at = step - 2
  for (let index = 0; index < count; index++) {
    const id = ids[index] as number
    words[at] = fourDigits(id >>> 16)
    words[at + 1] = fourDigits(id & 0xffff)
    at += step
  }
}

/** 16 bits as four hexadecimal digits, the most significant one in the lowest byte, all four at a time. */
function fourDigits(value: number): number {
  const nibbles =
    (value >>> 12) | (value & 0x0f00) | ((value & 0x00f0) << 12) | ((value & 0x000f) << 24)
  // A nibble of ten or more carries into its byte's fifth bit when six is added: it is a letter.
  const letters = ((nibbles + 0x06060606) >>> 4) & 0x01010101
  return (nibbles + 0x30303030 + Math.imul(letters, LETTER_OFFSET)) | 0
}

/** Little endian. */
export function putWord(bytes: Uint8Array, offset: number, word: number): void {
  bytes[offset] = word
  bytes[offset + 1] = word >>> 8
  bytes[offset + 2] = word >>> 16
  bytes[offset + 3] = word >>> 24
}

/** Room for `count` numbered keys, full of the digit zero. */
export function createKeyRoom(count: number, keyBytes: number): Uint8Array {
  return new Uint8Array(count * keyBytes).fill(ZERO)
}

/** Writes keys of a trace and their lengths. */
export function writeTraceKeys(
  trace: Trace,
  ids: Uint32Array,
  count: number,
  keys: Uint8Array,
  lengths: Uint8Array,
): void {
  let end = 0
  for (let index = 0; index < count; index++) {
    const id = ids[index] as number
    const from = trace.offsets[id] as number
    const bytes = (trace.offsets[id + 1] as number) - from
    for (let at = 0; at < bytes; at++) keys[end + at] = trace.bytes[from + at] as number
    lengths[index] = bytes
    end += bytes
  }
}

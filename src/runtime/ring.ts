/**
 * A ring of records in shared memory, from one writing thread to one reading thread.
 *
 * A record is whole, starts at a cache line, and never straddles the end: what is left there is skipped. Positions
 * count bytes for ever and wrap at 2^32; the ring's size divides that. Only the two positions are shared state: what
 * lies between them belongs to the reader, the rest to the writer, and each is published by one atomic store after
 * the bytes were written or read.
 *
 * Nothing is allocated for a record. A full ring refuses (-1): the writer keeps what it has and tries again.
 */

import { assert, at } from '../assert.js'

const LINE = 64
/** Words of the control block: each position has a cache line to itself, so that the threads share no third one. */
const HEAD = 0 //  end of what is written
const TAIL = 16 // end of what is read
const CONTROL_BYTES = 128

/** Starts a record. `life` tells successive users of one link number apart. */
const RECORD = { kind: 0, link: 4, life: 8, length: 12, SIZE: 16 } as const
/** The rest of the ring is empty: the next record stands at its start. */
const KIND_SKIP = 0xffff_ffff

interface RingMemory {
  readonly positions: Int32Array
  readonly words: Uint32Array
  /** Payloads lie in it, at the offsets that ringReserve and ringPayload return. */
  readonly bytes: Uint8Array
  readonly size: number
}

export interface RingWriter extends RingMemory {
  head: number //      where the next record goes; ahead of what is published
  published: number
  tail: number //      as last read
  /** The last reservation was refused. */
  full: boolean
}

export interface RingReader extends RingMemory {
  tail: number //      the record that is read; ahead of what was given back
  released: number
  head: number //      as last read
}

/** `size`: a power of two, at least twice the largest record. */
export function createRingMemory(size: number): SharedArrayBuffer {
  assert((size & (size - 1)) === 0 && size >= 4 * LINE, 'ring: the size is a power of two')
  return new SharedArrayBuffer(CONTROL_BYTES + size)
}

export function openRingWriter(memory: SharedArrayBuffer): RingWriter {
  return { ...viewsOf(memory), head: 0, published: 0, tail: 0, full: false }
}

export function openRingReader(memory: SharedArrayBuffer): RingReader {
  return { ...viewsOf(memory), tail: 0, released: 0, head: 0 }
}

function viewsOf(memory: SharedArrayBuffer): RingMemory {
  return {
    positions: new Int32Array(memory, 0, CONTROL_BYTES / 4),
    words: new Uint32Array(memory, CONTROL_BYTES),
    bytes: new Uint8Array(memory, CONTROL_BYTES),
    size: memory.byteLength - CONTROL_BYTES,
  }
}

/** Begins a record of `length` bytes; returns where in `bytes` they go, or -1: no room now. */
export function ringReserve(
  ring: RingWriter,
  kind: number,
  link: number,
  life: number,
  length: number,
): number {
  const need = recordBytes(length)
  assert(need * 2 <= ring.size, 'ringReserve: a record fits twice')
  const position = ring.head & (ring.size - 1)
  const rest = ring.size - position
  const skipped = need > rest ? rest : 0
  if (!hasRoom(ring, need + skipped)) {
    ring.full = true
    return -1
  }
  ring.full = false
  if (skipped > 0) ring.words[position >>> 2] = KIND_SKIP
  const start = skipped > 0 ? 0 : position
  const word = start >>> 2
  ring.words[word + (RECORD.kind >>> 2)] = kind
  ring.words[word + (RECORD.link >>> 2)] = link
  ring.words[word + (RECORD.life >>> 2)] = life
  ring.words[word + (RECORD.length >>> 2)] = length
  ring.head = (ring.head + skipped + need) >>> 0
  return start + RECORD.SIZE
}

/** The reader may have everything reserved so far. False: there was nothing new. */
export function ringPublish(ring: RingWriter): boolean {
  if (ring.head === ring.published) return false
  Atomics.store(ring.positions, HEAD, ring.head | 0)
  ring.published = ring.head
  return true
}

/** Has the reader made room since a reservation was refused? */
export function ringGotRoom(ring: RingWriter): boolean {
  return Atomics.load(ring.positions, TAIL) >>> 0 !== ring.tail
}

/** Kind of the record that is next to be read; 0: there is none. */
export function ringNext(ring: RingReader): number {
  if (ring.tail === ring.head) {
    ring.head = Atomics.load(ring.positions, HEAD) >>> 0
    if (ring.tail === ring.head) return 0
  }
  const kind = fieldAt(ring, RECORD.kind)
  if (kind !== KIND_SKIP) return kind
  ring.tail = (ring.tail + ring.size - (ring.tail & (ring.size - 1))) >>> 0
  // A skip is published together with the record behind it.
  assert(ring.tail !== ring.head, 'ringNext: a record follows a skip')
  return fieldAt(ring, RECORD.kind)
}

export function ringLink(ring: RingReader): number {
  return fieldAt(ring, RECORD.link)
}

export function ringLife(ring: RingReader): number {
  return fieldAt(ring, RECORD.life)
}

export function ringLength(ring: RingReader): number {
  return fieldAt(ring, RECORD.length)
}

/** Where in `bytes` the record's payload lies, until ringRelease. */
export function ringPayload(ring: RingReader): number {
  return (ring.tail & (ring.size - 1)) + RECORD.SIZE
}

/** The record was dealt with. Returns the bytes it took. */
export function ringTook(ring: RingReader): number {
  const need = recordBytes(fieldAt(ring, RECORD.length))
  ring.tail = (ring.tail + need) >>> 0
  return need
}

/** The writer may have the room of everything dealt with so far. False: there was nothing new. */
export function ringRelease(ring: RingReader): boolean {
  if (ring.tail === ring.released) return false
  Atomics.store(ring.positions, TAIL, ring.tail | 0)
  ring.released = ring.tail
  return true
}

/** Is something published that was not dealt with? For who is about to sleep. */
export function ringHasNews(ring: RingReader): boolean {
  return Atomics.load(ring.positions, HEAD) >>> 0 !== ring.tail
}

function hasRoom(ring: RingWriter, bytes: number): boolean {
  if (ring.size - ((ring.head - ring.tail) >>> 0) >= bytes) return true
  ring.tail = Atomics.load(ring.positions, TAIL) >>> 0
  return ring.size - ((ring.head - ring.tail) >>> 0) >= bytes
}

function recordBytes(length: number): number {
  return (RECORD.SIZE + length + LINE - 1) & ~(LINE - 1)
}

function fieldAt(ring: RingReader, field: number): number {
  return at(ring.words, ((ring.tail & (ring.size - 1)) + field) >>> 2)
}

/**
 * Writes and reads the header of a datagram through a Uint32Array over the slab.
 *
 * Pure. The checksum is filled when the datagram is sealed (natively, or by the simulator's endpoint).
 */

import { at } from '../assert.js'
import { HEADER, MAGIC, setWide, wideAt, WIRE_VERSION } from './wire.js'

/** Who sends: the same in every datagram of one life of a replica or client. */
export interface Sender {
  cluster: number
  sender: number
  incarnation: number
}

/** Fills every field but the checksum. Offsets are multiples of four. */
export function writeHeader(
  words: Uint32Array,
  offset: number,
  from: Sender,
  kind: number,
  length: number,
  epoch: number,
  count: number,
): void {
  const word = offset >>> 2
  words[word] = (MAGIC | (WIRE_VERSION << 16) | (kind << 24)) >>> 0
  words[word + (HEADER.checksum >>> 2)] = 0
  words[word + (HEADER.cluster >>> 2)] = from.cluster
  words[word + (HEADER.length >>> 2)] = length
  words[word + (HEADER.sender >>> 2)] = from.sender
  words[word + (HEADER.incarnation >>> 2)] = from.incarnation
  words[word + (HEADER.epoch >>> 2)] = epoch
  words[word + (HEADER.count >>> 2)] = count
}

export function setCounter(words: Uint32Array, offset: number, counter: number): void {
  setWide(words, (offset + HEADER.counter) >>> 2, counter)
}

export function setCommitted(words: Uint32Array, offset: number, committed: number): void {
  setWide(words, (offset + HEADER.committed) >>> 2, committed)
}

export function kindOf(words: Uint32Array, offset: number): number {
  return at(words, offset >>> 2) >>> 24
}

export function senderOf(words: Uint32Array, offset: number): number {
  return at(words, (offset + HEADER.sender) >>> 2) & 0xffff
}

export function flagsOf(words: Uint32Array, offset: number): number {
  return at(words, (offset + HEADER.sender) >>> 2) >>> 16
}

export function setFlags(words: Uint32Array, offset: number, flags: number): void {
  const word = (offset + HEADER.sender) >>> 2
  words[word] = ((at(words, word) & 0xffff) | (flags << 16)) >>> 0
}

export function lengthOf(words: Uint32Array, offset: number): number {
  return at(words, (offset + HEADER.length) >>> 2)
}

export function incarnationOf(words: Uint32Array, offset: number): number {
  return at(words, (offset + HEADER.incarnation) >>> 2)
}

export function epochOf(words: Uint32Array, offset: number): number {
  return at(words, (offset + HEADER.epoch) >>> 2)
}

export function countOf(words: Uint32Array, offset: number): number {
  return at(words, (offset + HEADER.count) >>> 2)
}

export function counterOf(words: Uint32Array, offset: number): number {
  return wideAt(words, (offset + HEADER.counter) >>> 2)
}

export function committedOf(words: Uint32Array, offset: number): number {
  return wideAt(words, (offset + HEADER.committed) >>> 2)
}

/** A word of the sixteen bytes that follow the header (PROPOSE or LINK). */
export function extensionOf(words: Uint32Array, offset: number, field: number): number {
  return at(words, (offset + HEADER.SIZE + field) >>> 2)
}

/** Answers into the bodies of REPLY datagrams, as a replica writes them. */

import { strict as assert } from 'node:assert'
import {
  BODY_OFFSET,
  PART,
  REPLY_RECORD,
  RESULT,
  RESULT_TAG,
  setWide,
  STATUS,
  TAG_BYTES,
} from '../../src/zab/wire.js'
import { DATAGRAM_BYTES } from './network.js'
import type { Answer } from './store.js'

/** One record an answer run, cut where a datagram ends; values that fit none go in parts. */
export function replyBodies(
  session: number,
  first: number,
  answers: readonly Answer[],
): Uint8Array[] {
  const bodies: Uint8Array[] = []
  const most = DATAGRAM_BYTES - BODY_OFFSET - TAG_BYTES - REPLY_RECORD.SIZE
  let chunks: Uint8Array[] = []
  let bytes = 0
  let begun = first
  let count = 0
  const close = (): void => {
    if (chunks.length > 0) bodies.push(replyRecord(session, begun, count, chunks))
    begun += count
    chunks = []
    bytes = 0
    count = 0
  }
  const add = (chunk: Uint8Array, answered: number): void => {
    if (bytes + chunk.length > most) close()
    chunks.push(chunk)
    bytes += chunk.length
    count += answered
  }
  for (let index = 0; index < answers.length; ) {
    const { status, version, value } = answers[index] ?? assert.fail()
    if (value === null) {
      let run = 1
      while (continues(answers, index, run)) run++
      add(result(run > 1 ? RESULT_TAG.RUN : RESULT_TAG.STATUS, status, run, version), run)
      index += run
      continue
    }
    index++
    if (RESULT.SIZE + value.length + 3 <= most) {
      add(join(result(RESULT_TAG.VALUE, status, value.length, version), value), 1)
      continue
    }
    const fits = (most - RESULT.SIZE - PART.SIZE) & ~3
    for (let offset = 0; offset < value.length; offset += fits) {
      const part = value.subarray(offset, offset + fits)
      const place = new Uint32Array([offset, part.length])
      const head = result(RESULT_TAG.PART, status, value.length, version)
      const isLast = offset + part.length === value.length
      close() // parts have records of their own
      add(join(join(head, new Uint8Array(place.buffer)), part), isLast ? 1 : 0)
      close()
    }
  }
  close()
  return bodies
}

function continues(answers: readonly Answer[], index: number, run: number): boolean {
  const [first, next] = [answers[index], answers[index + run]]
  if (first === undefined || next === undefined || next.value !== null) return false
  const step = first.status === STATUS.OK ? run : 0
  return next.status === first.status && next.version === first.version + step
}

function result(tag: number, status: number, bytes: number, version: number): Uint8Array {
  const words = new Uint32Array(RESULT.SIZE / 4)
  words[0] = tag | (status << 8)
  words[1] = bytes
  setWide(words, 2, version)
  return new Uint8Array(words.buffer)
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array((a.length + b.length + 3) & ~3)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}

function replyRecord(session: number, operation: number, count: number, chunks: Uint8Array[]): Uint8Array {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, REPLY_RECORD.SIZE)
  const record = new Uint8Array(bytes)
  const words = new Uint32Array(record.buffer)
  words[0] = bytes
  words[1] = count
  setWide(words, REPLY_RECORD.session >>> 2, session)
  setWide(words, REPLY_RECORD.operation >>> 2, operation)
  let at: number = REPLY_RECORD.SIZE
  for (const chunk of chunks) {
    record.set(chunk, at)
    at += chunk.length
  }
  return record
}

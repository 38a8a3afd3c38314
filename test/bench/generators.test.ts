import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { createDrawRoom, createKeyRoom, drawIds, parseTrace } from '../../src/bench/keys.js'
import { writeKeys, writeTraceKeys } from '../../src/bench/keys.js'
import { createRandom, fillWords, nextBelow, nextWord, type Random } from '../../src/bench/random.js'
import { createZipf, type Zipf } from '../../src/bench/zipf.js'

function zipfIds(zipf: Zipf, random: Random, count: number): Uint32Array {
  const ids = new Uint32Array(count)
  drawIds({ kind: 'zipf', keys: zipf.keys, zipf }, random, 0, ids, count, createDrawRoom(count))
  return ids
}

test('random: a seed gives the same numbers again, another one others', () => {
  const draw = (seed: number, stream?: number): number[] => {
    const random = createRandom(seed, stream)
    return Array.from({ length: 50 }, () => nextWord(random))
  }
  assert.deepEqual(draw(1), draw(1))
  assert.notDeepEqual(draw(1), draw(2))
  assert.notDeepEqual(draw(1, 0), draw(1, 1))
})

test('random: every value below a bound comes, none at or above it', () => {
  const random = createRandom(3)
  const counts = new Float64Array(10)
  for (let index = 0; index < 100_000; index++) {
    const value = nextBelow(random, 10)
    counts[value] = (counts[value] ?? 0) + 1
  }
  assert.ok(counts.every((count) => count > 9_500 && count < 10_500), [...counts].join(' '))
  for (let index = 0; index < 1000; index++) assert.ok(nextBelow(random, 4_000_000_000) < 4_000_000_000)
})

test('random: a block is the same as its words one by one', () => {
  const words = new Int32Array(20)
  fillWords(createRandom(4), words, 20)
  const random = createRandom(4)
  assert.deepEqual([...words].map((word) => word >>> 0), Array.from({ length: 20 }, () => nextWord(random)))
})

test('zipf: the frequencies follow the ranks', () => {
  for (const [keys, exponent] of [[1000, 0.99], [1000, 0], [100, 1.5], [1, 0.99], [7, 2]] as const) {
    const zipf = createZipf(keys, exponent, 5)
    const random = createRandom(9)
    const counts = new Float64Array(keys)
    const draws = 1_000_000
    for (const key of zipfIds(zipf, random, draws)) counts[key] = (counts[key] ?? 0) + 1
    const sorted = [...counts].sort((a, b) => b - a)
    let harmonic = 0
    for (let rank = 1; rank <= keys; rank++) harmonic += rank ** -exponent
    for (const rank of [1, 2, 3, Math.ceil(keys / 10)].filter((each) => each <= keys)) {
      const expected = (draws * rank ** -exponent) / harmonic
      const found = sorted[rank - 1] ?? 0
      const slack = 6 * Math.sqrt(expected) + (exponent === 0 ? expected * 0.1 : 0)
      assert.ok(Math.abs(found - expected) < slack, `${keys}/${exponent} rank ${rank}: ${found}, not ${expected}`)
    }
  }
})

test('zipf: popular keys are scattered, and differ with the seed', () => {
  const hottest = (seed: number): number => {
    const zipf = createZipf(100_000, 0.99, seed)
    const random = createRandom(1)
    const counts = new Map<number, number>()
    for (const key of zipfIds(zipf, random, 20_000)) counts.set(key, (counts.get(key) ?? 0) + 1)
    return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? -1
  }
  const all = [1, 2, 3, 4].map(hottest)
  assert.equal(new Set(all).size, 4)
  assert.ok(all.some((key) => key > 1000))
})

test('keys: an id is its eight hexadecimal digits after zeros', () => {
  const odd = createKeyRoom(2, 9)
  writeKeys(Uint32Array.of(0x0123abcd, 0x9af09876), 2, odd, 9)
  assert.equal(Buffer.from(odd).toString(), '00123abcd' + '09af09876')
  const keys = createKeyRoom(3, 12)
  writeKeys(Uint32Array.of(0x2a, 0, 0xffffffff), 3, keys, 12)
  assert.equal(Buffer.from(keys).toString(), '00000000002a' + '000000000000' + '0000ffffffff')
  writeKeys(Uint32Array.of(1, 2, 3), 3, keys, 12)
  assert.equal(Buffer.from(keys).toString(), '000000000001' + '000000000002' + '000000000003')
})

test('trace: lines are drawn in order, again and again; equal keys are one', () => {
  const trace = parseTrace(Buffer.from('b\nsecond key\r\n\nb\n\xc3\xa9\n', 'latin1'), 'file')
  assert.deepEqual([...trace.lines], [0, 1, 0, 2])
  const ids = new Uint32Array(6)
  drawIds({ kind: 'trace', keys: 3, trace }, createRandom(1), 2, ids, 6, createDrawRoom(6))
  assert.deepEqual([...ids], [0, 2, 0, 1, 0, 2])
  const keys = new Uint8Array(100)
  const lengths = new Uint8Array(3)
  writeTraceKeys(trace, Uint32Array.of(1, 2, 0), 3, keys, lengths)
  assert.deepEqual([...lengths], [10, 2, 1])
  assert.equal(Buffer.from(keys.subarray(0, 13)).toString(), 'second key\u00e9b')
})

test('trace: an empty file and a key over 250 bytes are refused with their place', () => {
  assert.throws(() => parseTrace(Buffer.from('\n\n'), 'empty.txt'), /empty\.txt has no key/)
  const long = Buffer.from(`short\n${'x'.repeat(251)}\n`)
  assert.throws(() => parseTrace(long, 'long.txt'), /Line 2 of the trace file long\.txt has 251 bytes/)
})

/**
 * JavaScript's Map, for comparison with the store: a process of its own, so that its heap is its own. Keys are strings
 * of 8 hexadecimal digits, values Uint8Arrays of 32 bytes that a set replaces, as who gets values from elsewhere does.
 *
 * Usage: js-map KEYS
 */

const OPERATIONS = 1_000_000
const ROUNDS = 3
const VALUE_BYTES = 32

const count = Number(process.argv[2])
const results: Record<string, number> = {}
let sink = 0

function measure(name: string, rounds: number, operations: number, body: () => void): void {
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const begin = process.hrtime.bigint()
    body()
    best = Math.min(best, Number(process.hrtime.bigint() - begin))
  }
  results[name] = best / operations
}

function keyOf(id: number): string {
  return id.toString(16).padStart(8, '0')
}

function draw(from: number): string[] {
  let state = 1
  return Array.from({ length: OPERATIONS }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return keyOf(from + Math.floor((state / 2 ** 32) * count))
  })
}

const map = new Map<string, Uint8Array>()
const before = process.memoryUsage()
measure('js map insert, growing', 1, count, () => {
  for (let id = 0; id < count; id++) map.set(keyOf(id), new Uint8Array(VALUE_BYTES))
})
const after = process.memoryUsage()
results['js map bytes per item'] = (after.rss - before.rss) / count
const hits = draw(0)
const misses = draw(count)
measure('js map set', ROUNDS, OPERATIONS, () => {
  for (const key of hits) map.set(key, new Uint8Array(VALUE_BYTES))
})
measure('js map get, hit', ROUNDS, OPERATIONS, () => {
  for (const key of hits) sink += map.get(key)?.[0] ?? 0
})
measure('js map get, miss', ROUNDS, OPERATIONS, () => {
  for (const key of misses) sink += map.get(key)?.[0] ?? 0
})
process.stdout.write(`${JSON.stringify(results)}\n`)
process.exitCode = sink === 0 ? 0 : 1

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { item } from '../../src/assert.js'
import { copyAnswers, createResults } from '../../src/client/results.js'
import type { ResultColumns } from '../../src/store/machine.js'
import { createPrng } from '../sim/prng.js'

interface Row {
  status: number
  version: number
  value: string
}

function put(results: ResultColumns, index: number, { status, version, value }: Row, offset: number): void {
  results.statuses[index] = status
  results.versions[index] = version
  results.valueOffsets[index] = value === '' ? 0 : offset
  results.valueBytes[index] = value.length
  results.values.set(Buffer.from(value), offset)
}

function rowAt(results: ResultColumns, index: number): Row {
  const from = results.valueOffsets[index] ?? -1
  const value = Buffer.from(results.values.subarray(from, from + (results.valueBytes[index] ?? 0))).toString()
  return { status: results.statuses[index] ?? -1, version: results.versions[index] ?? -1, value }
}

test('results: copied answers are the same, however their values lie', () => {
  const prng = createPrng(7)
  for (let round = 0; round < 200; round++) {
    const rows: Row[] = []
    const source = createResults(20, 4000)
    let offset = prng.below(50)
    for (let index = 0; index < 20; index++) {
      const value = prng.chance(0.3) ? '' : `${round}.${index};`.padEnd(1 + prng.below(40), 'x')
      const row = { status: prng.below(9), version: prng.below(1000), value }
      rows.push(row)
      put(source, index, row, offset)
      offset += value.length + (prng.chance(0.1) ? 7 : 0) // a gap: a part of another value
    }
    const target = createResults(30, prng.below(300))
    copyAnswers(source, 3, target, 0, 2)
    copyAnswers(source, 5, target, 2, 15)
    for (let index = 3; index < 20; index++) assert.deepEqual(rowAt(target, index - 3), item(rows, index))
    const used = rows.slice(3).reduce((sum, { value }) => sum + value.length, 0)
    assert.equal(target.valueEnd[0], used)
  }
})

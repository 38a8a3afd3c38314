/** The two declarations of the wire, in TypeScript and in C++, say the same. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { storeAddon } from '../../src/store/open-machine.js'
import * as limits from '../../src/zab/limits.js'
import * as wire from '../../src/zab/wire.js'

test('wire: the layouts of wire.ts and wire.h agree in every field', () => {
  const native = storeAddon().wireLayouts()
  assert.deepEqual([...wire.LAYOUTS.keys()].sort(), Object.keys(native).sort())
  for (const [name, layout] of wire.LAYOUTS) {
    assert.equal(native[name]?.size, layout.size, `${name}: size`)
    const fields = Object.fromEntries(
      Object.entries(layout.fields).map(([field, place]) => [field, [...place]]),
    )
    assert.deepEqual(native[name]?.fields, fields, `${name}: fields`)
  }
})

test('wire: the constants of wire.ts and wire.h agree', () => {
  const native = storeAddon().wireConstants()
  const here: Record<string, unknown> = { ...wire, ...limits }
  let compared = 0
  for (const [name, value] of Object.entries(native)) {
    const [head = '', field] = name.split('.')
    const found = here[head]
    const own =
      field === undefined ? found : (found as Record<string, unknown> | undefined)?.[field]
    assert.equal(own, value, name)
    compared++
  }
  assert.ok(compared > 30, `${compared} constants are compared`)
})

test('wire: wide fields hold every integer up to 2^53 - 1 exactly', () => {
  const words = new Uint32Array(2)
  const values = [0, 1, 0xffffffff, 0x100000000, 0x123456789abcd, Number.MAX_SAFE_INTEGER]
  for (const value of values) {
    wire.setWide(words, 0, value)
    assert.equal(wire.wideAt(words, 0), value)
  }
})

test('wire: a wide field beyond 2^53 - 1 reads as above every counter', () => {
  const words = new Uint32Array([0xffffffff, 0xffffffff])
  assert.ok(wire.wideAt(words, 0) > limits.COUNTER_MAX)
})

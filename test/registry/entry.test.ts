import assert from 'node:assert/strict'
import test from 'node:test'
import { decodeCluster, decodeEntry, encodeCluster, encodeEntry } from '../../src/registry/entry.js'
import { entryOf, refusal } from './world.js'

const TEXT = encodeEntry(entryOf(3))

test('entry: what is encoded is decoded', () => {
  assert.deepEqual(decodeEntry(TEXT, 3), { ok: true, value: entryOf(3) })
  const verbs = { ...entryOf(3).peers, provider: 'verbs', port: 0, gid: 'fe80::1', lid: 7 } as const
  const entry = entryOf(3, { peers: verbs, clients: [], multicast: null, role: 'observer' })
  assert.deepEqual(decodeEntry(encodeEntry(entry), 3), { ok: true, value: entry })
})

test('entry: cut anywhere it is unreadable', () => {
  for (let at = 0; at < TEXT.length; at++) {
    assert.equal(decodeEntry(TEXT.slice(0, at), 3).ok, false, `cut at ${at}`)
  }
})

test('entry: every field missing, or of every wrong type, is unreadable', () => {
  const wrong = [undefined, null, true, -1, 1.5, 1e300, 'x\u0000 y', [], {}, [[]], { a: 1 }]
  const original = JSON.parse(TEXT) as Record<string, unknown>
  for (const [name, value] of Object.entries(original)) {
    for (const poison of wrong) {
      if (poison === null && name === 'multicast') continue
      if (Array.isArray(poison) && poison.length === 0 && name === 'clients') continue
      const text = JSON.stringify({ ...original, [name]: poison })
      assert.equal(decodeEntry(text, 3).ok, false, `${name} ${JSON.stringify(poison)}`)
    }
    const fields = typeof value === 'object' && value !== null ? value : {}
    for (const inner of Object.keys(fields)) {
      for (const poison of wrong) {
        const text = JSON.stringify({ ...original, [name]: { ...fields, [inner]: poison } })
        assert.equal(decodeEntry(text, 3).ok, false, `${name}.${inner} ${JSON.stringify(poison)}`)
      }
    }
  }
})

test('entry: of another replica it is foreign', () => {
  const read = decodeEntry(TEXT, 4)
  assert.equal(!read.ok && read.reason, 'it is of replica 3, not 4')
})

test('entry: fields that nobody asked for do not come through', () => {
  const text = TEXT.replace('{', '{"__proto__":{"evil":1},"extra":2,')
  const read = decodeEntry(text, 3)
  assert.deepEqual(read, { ok: true, value: entryOf(3) })
})

test('entry: deeply nested JSON is unreadable and no exception', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  assert.equal(decodeEntry(deep, 3).ok, false)
  const settings = `{"a":${'['.repeat(40_000)}${']'.repeat(40_000)}}`
  assert.equal(decodeEntry(JSON.stringify({ ...entryOf(3), settings }), 3).ok, false)
})

test('entry: what could not be read back is not published', () => {
  const admin = { host: 'a b', port: 1 }
  assert.throws(() => encodeEntry(entryOf(3, { admin })), refusal('BAD_ARGUMENT', 'host'))
})

test('entry: the cluster document needs sorted, distinct members', () => {
  assert.equal(decodeCluster(encodeCluster({ members: [0, 1, 5], settings: '{}' })).ok, true)
  for (const members of [[], [1, 0], [1, 1], [-1], ['a']]) {
    assert.equal(decodeCluster(JSON.stringify({ members, settings: '{}' })).ok, false)
  }
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { canonicalJson, firstDifference } from '../../src/registry/settings.js'

test('settings: equal settings are equal text, whatever the order of keys', () => {
  assert.equal(canonicalJson({ b: { d: 1, c: 2 }, a: [2, 1] }), '{"a":[2,1],"b":{"c":2,"d":1}}')
})

test('settings: the first difference is named by its path with both values', () => {
  const ours = canonicalJson({ a: 1, log: { mode: 'x', bytes: 5 }, z: 1 })
  const theirs = canonicalJson({ a: 1, log: { mode: 'y', bytes: 5 }, z: 2 })
  const wanted = { setting: 'log.mode', ours: '"x"', theirs: '"y"' }
  assert.deepEqual(firstDifference(ours, theirs), wanted)
})

test('settings: a setting that only one side has is a difference', () => {
  const wanted = { setting: 'b', ours: '(unset)', theirs: '2' }
  assert.deepEqual(firstDifference('{"a":1}', '{"a":1,"b":2}'), wanted)
  assert.equal(firstDifference('{"a":{}}', '{}')?.setting, 'a')
})

test('settings: space and order are no difference', () => {
  assert.equal(firstDifference('{"a":1,"b":2}', '{ "b": 2, "a": 1 }'), null)
})

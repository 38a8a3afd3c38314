/** The arguments of npm run bench: what is meant is understood, what cannot be meant is refused. */

import assert from 'node:assert/strict'
import { isAbsolute } from 'node:path'
import test from 'node:test'
import { isChosen, readOptions, UsageError } from '../../../bench/options.js'
import { PROGRAMS, QUICK_SUBJECTS, SUBJECTS } from '../../../bench/subjects.js'

test('bench options: without any, all is measured, and folders do not depend on where a peer runs', () => {
  const options = readOptions([])
  assert.equal(options.only, null)
  assert.equal(options.repeat, 3)
  assert.ok(isAbsolute(options.out) && isAbsolute(options.scratch))
  assert.ok(SUBJECTS.every(({ name }) => isChosen(options, name)))
})

test('bench options: a name stands for a subject and for its group, and for nothing that only begins alike', () => {
  const options = readOptions(['--only', 'zookeeper, redis-wait', '--repeat', '5', '--seconds=0.5'])
  assert.equal(options.repeat, 5)
  assert.equal(options.seconds, 0.5)
  const chosen = SUBJECTS.map(({ name }) => name).filter((name) => isChosen(options, name))
  assert.deepEqual(chosen, ['redis-wait', 'zookeeper', 'zookeeper-fsync'])
  assert.equal(isChosen({ only: ['zab'] }, 'zabkv'), false)
  assert.deepEqual(['redis', 'redis-wait'].map((name) => isChosen({ only: ['=redis'] }, name)), [true, false])
})

for (const words of [
  ['--repeat', '-1'], ['--repeat', '1.5'], ['--repeat', ''], ['--seconds', 'x'], ['--only', 'a,,b'],
  ['--quick', '--only', 'redis'], ['--no-such-option'], ['stray'],
]) {
  test(`bench options: ${words.join(' ')} is refused`, () => {
    assert.throws(() => readOptions(words), UsageError)
  })
}

test('bench options: subjects have names of their own, and what is named elsewhere is one of them', () => {
  const names = SUBJECTS.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const name of [...QUICK_SUBJECTS, ...Object.keys(PROGRAMS)]) assert.ok(names.includes(name), name)
})

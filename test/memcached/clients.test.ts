/** Clients that nobody here wrote, against real replicas: the npm package memcached, and Python's where it is there. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import Memcached from 'memcached'
import type { Processes } from '../integration/processes.js'
import { settled } from '../integration/processes.js'
import { memcachedPort, startMemcachedReplicas } from './replicas.js'

const PYTHON_MILLIS_MAX = 30_000

let processes: Processes
before(async () => {
  processes = await startMemcachedReplicas(3)
})
after(async () => {
  await processes.stop()
})

function ask<T>(call: (answer: (error: unknown, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) =>
    call((error, value) => (error === undefined || error === null ? resolve(value) : reject(error as Error))),
  )
}

test('front: the npm package memcached reads and writes through two replicas', async () => {
  const [first, second] = [0, 2].map((replica) => new Memcached(`127.0.0.1:${memcachedPort(processes, replica)}`))
  assert.ok(first !== undefined && second !== undefined)
  try {
    assert.equal(await ask((answer) => first.set('npm', { deep: ['value'] }, 60, answer)), true)
    await settled(processes)
    assert.deepEqual(await ask((answer) => second.get('npm', answer)), { deep: ['value'] })
    const found = await ask<Record<string, unknown>>((answer) => second.gets('npm', answer))
    const cas = String(found['cas'])
    assert.equal(await ask((answer) => second.cas('npm', 'other', cas, 60, answer)), true)
    assert.equal(await ask((answer) => second.cas('npm', 'late', cas, 60, answer)), false)
    await ask((answer) => first.set('count', 7, 60, answer))
    assert.equal(await ask((answer) => first.incr('count', 5, answer)), 12)
    assert.equal(await ask((answer) => first.del('count', answer)), true)
    const keys = Array.from({ length: 50 }, (_, i) => `many-${i}`)
    await Promise.all(keys.map((key) => ask((answer) => first.set(key, key, 60, answer))))
    const many = await ask<Record<string, unknown>>((answer) => first.getMulti(keys, answer))
    assert.equal(Object.keys(many).length, keys.length)
  } finally {
    first.end()
    second.end()
  }
})

const PYTHON = `
import sys, pymemcache
client = pymemcache.Client(('127.0.0.1', int(sys.argv[1])))
assert client.set('py', 'value', expire=60, noreply=False)
assert client.get('py') == b'value'
value, cas = client.gets('py')
assert client.cas('py', 'next', cas, noreply=False) is True
assert client.cas('py', 'late', cas, noreply=False) is False
assert client.append('py', '!', noreply=False) and client.get('py') == b'next!'
assert client.set('n', '1', noreply=False) and client.incr('n', 41) == 42
assert client.delete('py', noreply=False) and client.get('py') is None
assert client.set_many({'a': '1', 'b': '2'}, noreply=False) == []
assert client.get_many(['a', 'b']) == {'a': b'1', 'b': b'2'}
assert b'pid' in client.stats()
print('fine')
`
const HAS_PYTHON = spawnSync('python3', ['-c', 'import pymemcache'], { stdio: 'ignore' }).status === 0
const SKIP_PYTHON = HAS_PYTHON ? false : 'no pymemcache for python3 (apt-get install python3-pymemcache)'

test('front: pymemcache reads and writes', { skip: SKIP_PYTHON }, () => {
  const words = ['-c', PYTHON, String(memcachedPort(processes, 1))]
  const { stdout, stderr } = spawnSync('python3', words, { encoding: 'utf8', timeout: PYTHON_MILLIS_MAX })
  assert.equal(stdout.trim(), 'fine', stderr)
})

/**
 * Clients that nobody here wrote, against real replicas: the npm packages memcached and memjs, libmemcached's tools,
 * and Python's where they are there.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import Memcached from 'memcached'
import { Client } from 'memjs'
import type { Processes } from '../integration/processes.js'
import { settled } from '../integration/processes.js'
import { memcachedPort, startMemcachedReplicas } from './replicas.js'

const PROGRAM_MILLIS_MAX = 30_000
/** As long as the front itself waits for a leader. */
const PATIENCE_SECONDS = 10

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

test('front: the npm package memjs reads and writes through two replicas, in binary', async () => {
  const [first, second] = [0, 2].map((replica) =>
    Client.create(`127.0.0.1:${memcachedPort(processes, replica)}`, { retries: 0, timeout: PATIENCE_SECONDS }),
  )
  assert.ok(first !== undefined && second !== undefined)
  try {
    assert.equal(await first.set('memjs', 'value', { expires: 60 }), true)
    await settled(processes)
    assert.equal((await second.get('memjs')).value?.toString(), 'value')
    assert.equal(await second.add('memjs', 'other', {}), false)
    assert.equal(await second.replace('memjs', 'other', {}), true)
    assert.equal((await second.get('memjs')).value?.toString(), 'other')
    assert.equal((await first.increment('memjs-n', 5, { initial: 7 })).value, 7)
    assert.equal((await first.increment('memjs-n', 5, { initial: 7 })).value, 12)
    assert.equal(await first.delete('memjs-n'), true)
    assert.equal((await first.get('memjs-n')).value, null)
    const large = Buffer.alloc(700_000, 'memjs')
    assert.equal(await first.set('memjs-large', large, {}), true)
    assert.deepEqual((await first.get('memjs-large')).value, large)
    const keys = Array.from({ length: 50 }, (_, i) => `memjs-${i}`)
    await Promise.all(keys.map((key) => first.set(key, key, {})))
    const values = await Promise.all(keys.map((key) => first.get(key)))
    assert.deepEqual(values.map(({ value }) => value?.toString()), keys)
  } finally {
    first.close()
    second.close()
  }
})

function sayOf(program: string, words: readonly string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', timeout: PROGRAM_MILLIS_MAX })
  return { status, said: `${stdout}${stderr}` }
}

const HAS_TOOLS = spawnSync('memcslap', ['-V'], { stdio: 'ignore' }).error === undefined
const SKIP_TOOLS = HAS_TOOLS ? false : 'no memcslap and memcstat on PATH (apt-get install libmemcached-tools)'

for (const [dialect, flags] of [['text', []], ['binary', ['--binary']]] as const) {
  test(`front: memcslap loads, and memcstat asks, in ${dialect}`, { skip: SKIP_TOOLS }, () => {
    const servers = [0, 1, 2].map((replica) => `127.0.0.1:${memcachedPort(processes, replica)}`)
    for (const load of ['set', 'get', 'mget']) {
      const words = ['--concurrency=4', '--execute-number=500', `--test=${load}`, ...flags]
      // All replicas have the same items, so that each is a server of its own for libmemcached.
      const { status, said } = sayOf('memcslap', [`--servers=${servers.join(',')}`, ...words])
      assert.ok(status === 0 && !/fail|error/i.test(said), `${load}: ${said}`)
    }
    const { status, said } = sayOf('memcstat', [`--servers=${servers.join(',')}`, ...flags])
    assert.equal(status, 0, said)
    assert.equal(said.match(/curr_items: *[1-9]\d*/g)?.length, servers.length, said)
  })
}

/** Debian's packages are for Debian's python3, which need not be the first one. */
function pythonWith(name: string): { python: string; skip: string | false } {
  for (const python of ['python3', '/usr/bin/python3']) {
    if (spawnSync(python, ['-c', `import ${name}`], { stdio: 'ignore' }).status === 0) return { python, skip: false }
  }
  return { python: '', skip: `no ${name} for python3 (apt-get install python3-${name})` }
}

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
const pymemcache = pythonWith('pymemcache')

test('front: pymemcache reads and writes', { skip: pymemcache.skip }, () => {
  const words = ['-c', PYTHON, String(memcachedPort(processes, 1))]
  assert.equal(sayOf(pymemcache.python, words).said.trim(), 'fine')
})

const PYTHON_MEMCACHE = `
import sys, memcache
client = memcache.Client(['127.0.0.1:' + sys.argv[1]], socket_timeout=10, cache_cas=True)
assert client.set('py2', {'deep': ['value']}, time=60)
assert client.get('py2') == {'deep': ['value']}
assert client.gets('py2') == {'deep': ['value']} and client.cas('py2', 'next')
assert client.set('n2', 1) and client.incr('n2', 41) == 42 and client.decr('n2', 2) == 40
assert client.set_multi({'a2': '1', 'b2': '2'}) == []
assert client.get_multi(['a2', 'b2', 'none']) == {'a2': '1', 'b2': '2'}
assert client.delete('py2') and client.get('py2') is None
assert client.get_stats()[0][1]['curr_items'] is not None
print('fine')
`
const pythonMemcached = pythonWith('memcache')

test('front: python-memcached reads and writes', { skip: pythonMemcached.skip }, () => {
  const { said } = sayOf(pythonMemcached.python, ['-c', PYTHON_MEMCACHE, String(memcachedPort(processes, 1))])
  assert.equal(said.trim(), 'fine')
})

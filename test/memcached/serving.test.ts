/** What a front decides for all of its connections: logins, TLS, how many there may be, and for how long. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectSecure } from 'node:tls'
import { settled, settledAlike } from '../integration/processes.js'
import { until } from '../integration/until.js'
import { exchange } from './compare.js'
import { memcachedPort, startMemcachedReplicas } from './replicas.js'

const IDLE_SECONDS = 1

function heard(socket: ReturnType<typeof connect>, until: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (until.test(text)) resolve(text)
    })
    socket.once('close', () => resolve(text))
    socket.once('error', reject)
  })
}

test('front: logins, a connection too many, and one that is silent', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zabkv-front-'))
  const file = join(folder, 'users')
  writeFileSync(file, 'ann:secret\nbob:word\n')
  const limits = ['--memcached-connections', '2', '--memcached-idle-seconds', String(IDLE_SECONDS)]
  const processes = await startMemcachedReplicas(1, ['--memcached-auth-file', file, ...limits])
  const ask = async (text: string): Promise<string> =>
    (await exchange(memcachedPort(processes, 0), Buffer.from(text))).toString()
  try {
    assert.equal(await ask('get key\r\n'), 'CLIENT_ERROR unauthenticated\r\n')
    assert.match(await ask('set x 0 0 9\r\nann wrong\r\n'), /CLIENT_ERROR authentication failure/)
    assert.equal(await ask('set x 0 0 8\r\nbob word\r\nset k 0 0 1\r\nv\r\n'), 'STORED\r\nSTORED\r\n')
    const silent = [0, 1].map(() => connect(memcachedPort(processes, 0), '127.0.0.1'))
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
    assert.match(await ask('version\r\n'), /Too many open connections/)
    const began = performance.now()
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.resume().once('close', resolve))))
    assert.ok(performance.now() - began > IDLE_SECONDS * 500, 'not at once')
  } finally {
    await processes.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})

const OPENSSL = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0
const SKIP_TLS = OPENSSL ? false : 'no openssl to make a certificate (apt-get install openssl)'

test('front: by TLS, and by nothing else', { skip: SKIP_TLS, timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zabkv-front-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const made = spawnSync('openssl', [
    'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '1', '-subj', '/CN=test',
  ])
  assert.equal(made.status, 0, String(made.stderr))
  const processes = await startMemcachedReplicas(1, ['--memcached-tls-cert', cert, '--memcached-tls-key', key])
  try {
    const port = memcachedPort(processes, 0)
    const secure = connectSecure({ host: '127.0.0.1', port, rejectUnauthorized: false })
    const value = 'v'.repeat(300_000)
    secure.write(`set tls 0 0 ${value.length}\r\n${value}\r\nget tls\r\nmn\r\n`)
    const answer = await heard(secure, /MN\r\n$/)
    secure.destroy()
    assert.equal(answer, `STORED\r\nVALUE tls 0 ${value.length}\r\n${value}\r\nEND\r\nMN\r\n`)
    const plain = connect(port, '127.0.0.1')
    plain.write('version\r\nversion\r\n')
    assert.doesNotMatch(await heard(plain, /VERSION/).catch(() => ''), /VERSION/)
  } finally {
    await processes.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('front: an observer of a cache serves gets, passes writes on, tells of reads', { timeout: 120_000 }, async () => {
  const processes = await startMemcachedReplicas(3, ['--memory', 'cache'], 1)
  const ask = async (replica: number, text: string): Promise<string> =>
    (await exchange(memcachedPort(processes, replica), Buffer.from(text))).toString()
  try {
    const text = 'set n 0 0 1\r\n7\r\nincr n 5\r\nget n\r\n'
    assert.equal(await ask(3, text), 'STORED\r\n12\r\nVALUE n 0 2\r\n12\r\nEND\r\n')
    await settled(processes)
    assert.equal(await ask(0, 'get n\r\n'), 'VALUE n 0 2\r\n12\r\nEND\r\n')
    const { lastApplied } = await processes.statsOf(3)
    await ask(3, 'get n\r\n'.repeat(100))
    await until(async () => (await processes.statsOf(3)).lastApplied > lastApplied, 'reads are told to the order')
    const all = await Promise.all([0, 1, 2, 3].map((replica) => ask(replica, 'stats replication\r\n')))
    assert.match(all[3] ?? '', /STAT role observing/)
    assert.ok(all.some((each) => /STAT observer_3_lag_operations \d/.test(each)), 'the leader knows of it')
    await settledAlike(processes)
  } finally {
    await processes.stop()
  }
})

import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { errorJson, errorLine, exitCodeOf } from '../../src/cli/fail.js'
import { addressesOf, replicaOptionsOf, SERVE_DEFAULTS, spinMicrosFor } from '../../src/cli/replica-options.js'
import type { ServeArguments } from '../../src/cli/replica-options.js'
import { ZabkvError } from '../../src/errors.js'
import { zabkv } from './run.js'

/** Nothing listens on the discard port of loopback. */
const NOBODY = '127.0.0.1:9'

const SERVE: ServeArguments = {
  cluster: 'c',
  registry: NOBODY,
  id: 1,
  ips: '10.0.0.1,10.0.0.2',
  transport: 'auto',
  device: undefined,
  'gid-index': undefined,
  unicast: true,
  quorum: 'all',
  workers: 1,
  'datagram-bytes': 0,
  'store-mib': 2,
  memory: 'cache',
  'sessions-max': 3,
  'session-window': 4,
  'catch-up-mib': 1024,
  'session-seconds': 60,
  'ack-copies': 0,
  durability: 'memory',
  'data-dir': undefined,
  'snapshot-mib': 1024,
  'failure-timeout-ms': 60,
  'stuck-timeout-ms': 1000,
  observer: false,
  ip: undefined,
  'history-mib': 5,
  drop: 0.5,
  'drop-seed': 6,
  'peer-port': 7,
  'client-port': 8,
  'admin-port': 9,
  'spin-micros': undefined,
  'ready-file': undefined,
  memcached: undefined,
  'memcached-connections': SERVE_DEFAULTS.memcachedConnections,
  'memcached-idle-seconds': 0,
  'memcached-auth-file': undefined,
  'memcached-tls-cert': undefined,
  'memcached-tls-key': undefined,
}

test('cli: usage errors are one sentence on standard error, exit code 2', async () => {
  const cases: [string[], RegExp][] = [
    [[], /Say which command/],
    [['bogus'], /Unknown argument: bogus/],
    [['get'], /Not enough non-option arguments/],
    [['get', 'k', '--bogus'], /Unknown argument: bogus/],
    [['set', 'k', 'v', '--create', '--if-version', '1'], /mutually exclusive/],
    [['stats', '--json', '--csv'], /exclude each other/],
    [['serve', '--transport', 'pigeon'], /Invalid values|transport/],
    [['serve', '--id', '3'], /There is no replica 3 in a cluster of 1/],
    [['serve', '--ips', '127.0.0.1,,'], /list of addresses/],
    [['serve', '--cluster', 'a', '--cluster', 'b'], /--cluster is given more than once/],
    [['registry', '--port', '70000'], /--port is an integer from 0 to 65535/],
    [['get', 'k', '--registry', 'host:port'], /not HOST:PORT/],
    [['get', 'k', '--timeout', '0'], /--timeout is an integer/],
    [['bench', '--write-ratio', '2'], /--write-ratio is a number from 0 to 1/],
    [['bench', '--zipf', '1', '--single-key'], /mutually exclusive/],
  ]
  for (const [words, sentence] of cases) {
    const { code, stdout, stderr } = await zabkv(words)
    assert.equal(code, 2, `zabkv ${words.join(' ')}: ${stderr}`)
    assert.match(stderr, sentence)
    assert.match(stderr, /^zabkv: .*\n$/, 'one line')
    if (!words.includes('--json')) assert.equal(stdout, '')
  }
})

test('cli: a registry that does not answer is exit code 3, with --json as an object too', async () => {
  for (const words of [['get', 'k'], ['set', 'k', 'v'], ['delete', 'k'], ['sync'], ['digest'], ['stats'], ['bench']]) {
    const { code, stdout, stderr } = await zabkv([...words, '--registry', NOBODY, '--json'])
    assert.equal(code, 3, words.join(' '))
    assert.match(stderr, /^zabkv: .*127\.0\.0\.1:9.*REGISTRY_UNREACHABLE\)\n$/)
    const shown = JSON.parse(stdout) as { error: { code: string; message: string; definite: boolean } }
    assert.equal(shown.error.code, 'REGISTRY_UNREACHABLE')
    assert.equal(shown.error.definite, true)
  }
})

test('cli: help names every command, and every command has help', async () => {
  const { code, stdout } = await zabkv(['--help'])
  assert.equal(code, 0)
  const commands = 'serve registry get set delete sync digest stats bench compare doctor inspect'.split(' ')
  for (const command of commands) {
    assert.match(stdout, new RegExp(`zabkv ${command}\\b`))
    const help = await zabkv([command, '--help'])
    assert.equal(help.code, 0)
    assert.match(help.stdout, /Options:/)
  }
})

test('cli: exit codes follow the error', () => {
  assert.equal(exitCodeOf(new ZabkvError('KEY_TOO_LONG', 'x')), 2)
  assert.equal(exitCodeOf(new ZabkvError('TIMEOUT', 'x')), 3)
  assert.equal(exitCodeOf(new ZabkvError('STORE_FULL', 'x')), 1)
  assert.equal(exitCodeOf(new TypeError('x')), 1)
  assert.equal(errorLine(new ZabkvError('EXISTS', 'It is\n there.')), 'zabkv: It is there. (EXISTS)')
  assert.equal(
    errorJson(new ZabkvError('TIMEOUT', 'Late.', { definite: false })),
    '{"error":{"code":"TIMEOUT","message":"Late.","definite":false}}',
  )
})

test('serve: arguments become options in their units', () => {
  const options = replicaOptionsOf(SERVE, () => undefined)
  assert.deepEqual(options.addresses, ['10.0.0.1', '10.0.0.2'])
  assert.deepEqual(options.registry, { host: '127.0.0.1', port: 9 })
  assert.equal(options.multicast, false)
  assert.equal(options.storeBytes, 2 * 1024 * 1024)
  assert.equal(options.memory, 'cache')
  assert.equal(options.historyBytes, 5 * 1024 * 1024)
  assert.equal(options.device, null)
  assert.equal(options.gidIndex, null)
})

test('serve: replicas that have no core each on their host do not spin', () => {
  const ips = ['10.0.0.1', '10.0.0.1', '10.0.0.2']
  assert.equal(spinMicrosFor(0, ips, 2), 0)
  assert.equal(spinMicrosFor(0, ips, 3), 20)
  assert.equal(spinMicrosFor(2, ips, 2), 20)
  assert.equal(replicaOptionsOf({ ...SERVE, 'spin-micros': 7 }, () => undefined).spinMicros, 7)
})

test('serve: what cannot be meant is refused', () => {
  const bad: [Partial<ServeArguments>, string][] = [
    [{ id: -1 }, 'UNKNOWN_REPLICA'],
    [{ id: 2 }, 'UNKNOWN_REPLICA'],
    [{ id: Number.NaN }, 'UNKNOWN_REPLICA'],
    [{ drop: 1 }, 'BAD_ARGUMENT'],
    [{ drop: Number.NaN }, 'BAD_ARGUMENT'],
    [{ 'store-mib': 0 }, 'BAD_ARGUMENT'],
    [{ 'peer-port': 65536 }, 'BAD_ARGUMENT'],
    [{ registry: '::1' }, 'BAD_ARGUMENT'],
  ]
  for (const [change, code] of bad) {
    assert.throws(() => replicaOptionsOf({ ...SERVE, ...change }, () => undefined), { code })
  }
  assert.throws(() => addressesOf(Array(17).fill('10.0.0.1').join(',')), /at most 16 replicas/)
})

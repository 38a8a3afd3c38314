/**
 * The protocols against memcached: random commands get the same replies, and memccapable is content.
 *
 * ZABKV_MEMCACHED_COMMANDS and ZABKV_MEMCACHED_SEED say how many commands, and which.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testCapable } from './capable.js'
import { compare, describeDifference, exchange } from './compare.js'
import { type Server, SKIP_WITHOUT_MEMCACHED, startMemcached, startReference } from './servers.js'

const COMMANDS = Number(process.env['ZABKV_MEMCACHED_COMMANDS'] ?? 20_000)
const SEED = Number(process.env['ZABKV_MEMCACHED_SEED'] ?? 1)
const MINUTES_MAX = 8

let reference: Server
before(async () => {
  reference = await startReference(['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'])
})
after(async () => {
  assert.equal(await reference.close(), '', 'the sanitizers have nothing to say')
})

test(
  `memcached: ${COMMANDS} random commands get the replies of memcached (seed ${SEED})`,
  { skip: SKIP_WITHOUT_MEMCACHED, timeout: MINUTES_MAX * 60_000 },
  async (t) => {
    const model = await startMemcached()
    t.after(() => model.close())
    let commands = 0
    const ports = [model.port, reference.port] as const
    const difference = await compare({ seed: SEED, commands: COMMANDS, ports }, (sent) => (commands = sent))
    assert.equal(difference, null, difference === null ? '' : `seed ${SEED}: ${describeDifference(difference)}`)
    assert.ok(commands >= COMMANDS, 'as many were sent as were asked for')
  },
)

testCapable('memcached', () => reference.port)

/** A whole item is 1 MiB: the last that fits, and the first that does not, however it is stored. */
test('memcached: the largest item is as large as memcached has it', { skip: SKIP_WITHOUT_MEMCACHED }, async (t) => {
  const model = await startMemcached()
  t.after(() => model.close())
  for (let bytes = 1_048_576 - 72; bytes <= 1_048_576 - 58; bytes++) {
    const value = 'v'.repeat(bytes)
    const stores = ['set large 0 0', 'set large 1 0', 'ms large', 'add other 0 0']
    const around = (line: string): string =>
      `set large 0 0 1\r\nx\r\n${line} ${bytes}\r\n${value}\r\nmg large s\r\ndelete other\r\n`
    const bytesSent = Buffer.from(`${stores.map(around).join('')}append large 0 0 9\r\nappended!\r\nmg large s\r\n`)
    const [expected, got] = await Promise.all([exchange(model.port, bytesSent), exchange(reference.port, bytesSent)])
    assert.equal(got.toString(), expected.toString(), `${bytes} bytes`)
  }
})

/**
 * The front of real replicas: memcached's own clients, and random commands that get the replies of memcached through
 * every replica.
 *
 * ZABKV_MEMCACHED_REPLICATED says how many commands, ZABKV_MEMCACHED_SEED which.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Processes } from '../integration/processes.js'
import { settled, settledAlike } from '../integration/processes.js'
import { testCapable } from './capable.js'
import { compare, describeDifference, exchange } from './compare.js'
import { memcachedPort, startMemcachedReplicas } from './replicas.js'
import { SKIP_WITHOUT_MEMCACHED, startMemcached } from './servers.js'

const COMMANDS = Number(process.env['ZABKV_MEMCACHED_REPLICATED'] ?? 3000)
const SEED = Number(process.env['ZABKV_MEMCACHED_SEED'] ?? 1)
const REPLICAS = 3

let processes: Processes
before(async () => {
  processes = await startMemcachedReplicas(REPLICAS)
})
after(async () => {
  await processes.stop()
})

async function ask(replica: number, text: string): Promise<string> {
  return (await exchange(memcachedPort(processes, replica), Buffer.from(text))).toString('latin1')
}

test('front: what is set at one replica is read at another, with the same cas', async () => {
  assert.equal(await ask(0, 'set shared 7 0 5\r\nhello\r\n'), 'STORED\r\n')
  await settled(processes)
  const replies = await Promise.all([0, 1, 2].map((replica) => ask(replica, 'gets shared\r\n')))
  assert.match(replies[0] ?? '', /^VALUE shared 7 5 \d+\r\nhello\r\nEND\r\n$/)
  assert.equal(new Set(replies).size, 1)
})

test('front: commands of one connection take effect in their order, and it reads its own writes', async () => {
  for (let replica = 0; replica < REPLICAS; replica++) {
    const lines = ['set n 0 0 1', '0', ...Array.from({ length: 200 }, () => ['incr n 1', 'get n']).flat()]
    const expected = Array.from({ length: 200 }, (_, i) => {
      const number = String(i + 1)
      // The number that became longer has its own length.
      return `${number}\r\nVALUE n 0 ${number.length}\r\n${number}\r\nEND\r\n`
    })
    assert.equal(await ask(replica, `${lines.join('\r\n')}\r\n`), `STORED\r\n${expected.join('')}`)
  }
})

test('front: a value of a megabyte goes through the order, and comes back from another replica', async () => {
  const value = Buffer.alloc(1_000_000, 'abcdefghij').toString()
  const set = `set large 0 0 ${value.length}\r\n${value}\r\n`
  assert.equal(await ask(1, `${set}append large 0 0 3\r\nxyz\r\n`), 'STORED\r\nSTORED\r\n')
  await settled(processes)
  assert.equal(await ask(2, 'get large\r\n'), `VALUE large 0 1000003\r\n${value}xyz\r\nEND\r\n`)
})

test('front: one of many connections that ask for a stale item wins it', async () => {
  await ask(0, 'set token 0 0 1\r\nx\r\nmd token I T30\r\n')
  await settled(processes)
  const asked = Array.from({ length: 12 }, (_, i) => ask(i % REPLICAS, 'mg token v\r\n'))
  const replies = await Promise.all(asked)
  assert.equal(replies.filter((reply) => reply.includes(' W')).length, 1, replies.join(''))
})

test('front: stats tell of the replica, and of how far the others are behind', async () => {
  const general = await ask(0, 'stats\r\n')
  for (const name of ['pid', 'uptime', 'version', 'curr_items', 'cmd_get', 'limit_maxbytes']) {
    assert.match(general, new RegExp(`^STAT ${name} \\S+\\r$`, 'm'))
  }
  const all = await Promise.all([0, 1, 2].map((replica) => ask(replica, 'stats replication\r\n')))
  const leading = all.filter((text) => text.includes('STAT role leading'))
  assert.equal(leading.length, 1)
  assert.equal((leading[0] ?? '').match(/STAT replica_\d_lag_operations \d+/g)?.length, 2)
  assert.equal(await ask(0, 'stats nonsense\r\n'), 'ERROR\r\n')
})

for (let replica = 0; replica < REPLICAS; replica++) {
  test(
    `front: ${COMMANDS} random commands get the replies of memcached through replica ${replica} (seed ${SEED})`,
    { skip: SKIP_WITHOUT_MEMCACHED },
    async (t) => {
      const model = await startMemcached()
      t.after(() => model.close())
      await ask(replica, 'flush_all\r\n')
      const ports = [model.port, memcachedPort(processes, replica)] as const
      const how = { seed: SEED + replica, commands: COMMANDS, ports, isReplicated: true }
      const difference = await compare(how, () => undefined)
      const story = difference === null ? '' : describeDifference(difference)
      assert.equal(difference, null, `seed ${SEED + replica}: ${story}`)
      await settledAlike(processes)
    },
  )
}

testCapable('front', () => memcachedPort(processes, 1))

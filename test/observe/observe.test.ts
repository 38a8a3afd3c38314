import { strict as assert } from 'node:assert'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { askAdmin, askDigest, askStats } from '../../src/observe/admin.js'
import { compareDigests } from '../../src/observe/cluster.js'
import { judgeMemcached, judgeNode, judgeRegistry } from '../../src/observe/doctor.js'
import { bytesShort, short, table } from '../../src/observe/numbers.js'
import { flattenStats } from '../../src/observe/stats-table.js'

async function withAdmin(
  answer: string | null,
  work: (address: { host: string; port: number }) => Promise<void>,
): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      if (answer !== null) socket.end(answer)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await work({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  } finally {
    server.close()
  }
}

test('admin: an answer is read to its end', async () => {
  await withAdmin('imok\n', async (address) => {
    assert.equal(await askAdmin(address, 'ruok'), 'imok\n')
  })
})

test('admin: nobody, silence and nonsense are UNAVAILABLE, each in one sentence', async () => {
  await assert.rejects(askAdmin({ host: '127.0.0.1', port: 9 }, 'ruok'), { code: 'UNAVAILABLE' })
  await withAdmin('', async (address) => assert.equal(await askAdmin(address, 'ruok'), ''))
  for (const nonsense of ['', 'hello', '[]', '{"replica":0}', 'null']) {
    await withAdmin(nonsense, async (address) => {
      await assert.rejects(askDigest(address), { code: 'UNAVAILABLE', message: /does not know/ })
      await assert.rejects(askStats(address), { code: 'UNAVAILABLE', message: /does not know/ })
    })
  }
  // A silent peer ends when its sockets do, so this one has its own short patience.
  await withAdmin(null, async (address) => {
    await assert.rejects(askAdmin(address, 'ruok', 50), { message: /no answer within 50 ms/ })
  })
})

test('digests: equal only when all answered, applied the same, and hold the same', () => {
  const digest = (replica: number, text: string, lastApplied = 7) => ({
    replica,
    value: { replica, digest: text, sessionsDigest: 's', lastApplied },
    problem: null,
  })
  assert.equal(compareDigests([digest(0, 'a'), digest(1, 'a')]).equal, true)
  assert.equal(compareDigests([digest(0, 'a'), digest(1, 'b')]).equal, false)
  assert.equal(compareDigests([digest(0, 'a'), digest(1, 'a', 8)]).comparable, false)
  const missing = { replica: 1, value: null, problem: 'gone' }
  assert.equal(compareDigests([digest(0, 'a'), missing]).equal, false)
  assert.equal(compareDigests([]).equal, false)
})

test('doctor: old node fails, a registry that does not answer is a warning with advice', async () => {
  assert.equal(judgeNode('v18.19.0').verdict, 'fail')
  assert.equal(judgeNode('v20.18.1').verdict, 'fail')
  assert.equal(judgeNode('v20.19.0').verdict, 'ok')
  assert.equal(judgeNode('v24.0.0').verdict, 'ok')
  assert.equal((await judgeMemcached('')).verdict, 'ok')
  const fact = await judgeRegistry({ host: '127.0.0.1', port: 9 })
  assert.equal(fact.verdict, 'warn')
  assert.match(fact.advice, /zabkv registry/)
})

test('numbers: short for people', () => {
  assert.deepEqual([0, 7, 9999, 12345, 1234567, 2.5e9].map(short), ['0', '7', '9999', '12.3 k', '1.23 M', '2.50 G'])
  assert.equal(bytesShort(1536), '1.5 KiB')
  assert.equal(table([['head'], ['a', '1'], ['bbb', '22']]), 'head\na     1\nbbb  22')
})

test('csv: every figure has a path', () => {
  const paths = flattenStats({ a: 1, b: { c: [2, { d: null }] } })
  assert.deepEqual(paths, [['a', '1'], ['b.c.0', '2'], ['b.c.1.d', '']])
})

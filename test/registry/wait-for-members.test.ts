import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { publish, replicaKey, withdraw } from '../../src/registry/directory.js'
import type { RegistryConnection } from '../../src/registry/connection.js'
import { startRegistryServer } from '../../src/registry/server.js'
import { waitForMembers } from '../../src/registry/wait-for-members.js'
import { ALIVE, DEAD, dial, entryOf, HOST, refusal, world } from './world.js'

/** No test waits longer. */
const BOUND = (): AbortSignal => AbortSignal.timeout(5000)
const FAST = { pollMillis: 10 }

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis))
}

function put(connection: RegistryConnection, replica: number): Promise<void> {
  return publish(connection, 'c', entryOf(replica), { isAlive: DEAD })
}

function permutations(ids: readonly number[]): number[][] {
  if (ids.length === 0) return [[]]
  return ids.flatMap((id) => {
    const others = ids.filter((other) => other !== id)
    return permutations(others).map((rest) => [id, ...rest])
  })
}

for (const order of permutations([0, 1, 2])) {
  test(`wait: replicas started in the order ${order.join()} find each other`, async (t) => {
    const connection = await world(t)
    const reports: string[] = []
    const onMissing = (missing: number[]): void => void reports.push(missing.join())
    const wait = waitForMembers(connection, 'c', [0, 1, 2], { ...FAST, signal: BOUND(), onMissing })
    for (const [index, replica] of order.entries()) {
      // Each starts once the one before was noticed, however busy the machine is.
      for (let polls = 0; reports.length <= index && polls < 1000; polls++) await pause(5)
      await put(connection, replica)
    }
    assert.deepEqual([...(await wait).keys()].sort(), [0, 1, 2])
    const left = order.map((_, index) => order.slice(index).sort().join())
    assert.deepEqual(reports, left, 'each change of the missing is reported once')
  })
}

test('wait: a deadline says who is missing and why', async (t) => {
  const connection = await world(t)
  await put(connection, 0)
  await connection.set(replicaKey('c', 2), 'poison', 0)
  const options = { ...FAST, signal: AbortSignal.timeout(1000) }
  const wait = waitForMembers(connection, 'c', [0, 1, 2], options)
  const words = ['1 (not registered)', '2 (unreadable entry: it is not JSON)']
  await assert.rejects(wait, refusal('TIMEOUT', ...words))
})

test('wait: a signal ends it with ABORTED, also when it was aborted before', async (t) => {
  const connection = await world(t)
  const controller = new AbortController()
  const options = { pollMillis: 60_000, signal: controller.signal }
  const wait = waitForMembers(connection, 'c', [0], options)
  setTimeout(() => controller.abort(), 20)
  await assert.rejects(wait, refusal('ABORTED', '0 (not registered)'))
  await assert.rejects(waitForMembers(connection, 'c', [0], options), refusal('ABORTED'))
})

test('wait: other settings end it at once, named', async (t) => {
  const connection = await world(t)
  await put(connection, 0)
  const settings = '{"durability":"memory","log":{"mode":"b"}}'
  const wait = waitForMembers(connection, 'c', [0, 1], { ...FAST, signal: BOUND(), settings })
  await assert.rejects(wait, refusal('SETTINGS_MISMATCH', '"log.mode"', '"b"', '"a"', 'replica 0'))
})

test('wait: what a dead process left counts as missing, whatever its settings', async (t) => {
  const connection = await world(t)
  await put(connection, 0)
  const signal = AbortSignal.timeout(1000)
  const options = { ...FAST, signal, isAlive: DEAD, settings: '{}' }
  const wait = waitForMembers(connection, 'c', [0], options)
  await assert.rejects(wait, refusal('TIMEOUT', '0 (registered, but does not answer)'))
})

test('wait: a member is asked once whether it lives', async (t) => {
  const connection = await world(t)
  await put(connection, 0)
  let asked = 0
  const isAlive = (): Promise<boolean> => {
    asked++
    return ALIVE()
  }
  const wait = waitForMembers(connection, 'c', [0, 1], { ...FAST, signal: BOUND(), isAlive })
  await new Promise((resolve) => setTimeout(resolve, 100))
  await put(connection, 1)
  await wait
  assert.equal(asked, 2)
})

test('wait: a member that withdraws before all are there is missing again', async (t) => {
  const connection = await world(t)
  await put(connection, 0)
  const reports: string[] = []
  const onMissing = (missing: number[]): void => void reports.push(missing.join())
  const signal = AbortSignal.timeout(2000)
  const wait = waitForMembers(connection, 'c', [0, 1], { ...FAST, signal, onMissing })
  setTimeout(() => void withdraw(connection, 'c', entryOf(0)).then(() => put(connection, 1)), 50)
  await assert.rejects(wait, refusal('TIMEOUT', '0 (not registered)'))
  assert.equal(reports[0], '1')
  assert.equal(reports.at(-1), '0')
})

test('wait: a registry lost meanwhile is reported once, and waited for', async (t) => {
  const { port, connection, close } = await fragile(t)
  await put(connection, 0)
  const lost: string[] = []
  const onRegistryLost = (error: Error): void => void lost.push(error.message)
  const options = { ...FAST, signal: BOUND(), onRegistryLost }
  const wait = waitForMembers(connection, 'c', [0, 1], options)
  await new Promise((resolve) => setTimeout(resolve, 50))
  await close()
  await new Promise((resolve) => setTimeout(resolve, 100))
  const again = await startRegistryServer({ host: HOST, port })
  t.after(() => again.close())
  const other = dial(t, port)
  await put(other, 0) // the restarted registry is empty: each replica's refresh brings it back
  await put(other, 1)
  assert.equal((await wait).size, 2)
  assert.equal(lost.length, 1)
  assert.match(lost[0] ?? '', new RegExp(`${HOST}:${port}`))
})

test('wait: a registry that stays lost is told at the deadline', async (t) => {
  const { port, connection, close } = await fragile(t)
  await close()
  const wait = waitForMembers(connection, 'c', [0], { ...FAST, signal: AbortSignal.timeout(1000) })
  await assert.rejects(wait, refusal('TIMEOUT', 'registry was lost', `${HOST}:${port}`))
})

interface Fragile {
  port: number
  connection: RegistryConnection
  close: () => Promise<void>
}

/** A registry that the test may close. */
async function fragile(t: TestContext): Promise<Fragile> {
  const server = await startRegistryServer({ host: HOST, port: 0 })
  t.after(() => server.close())
  return { port: server.port, connection: dial(t, server.port), close: () => server.close() }
}

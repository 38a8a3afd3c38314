/** The end of an endpoint, and of threads and processes with one: clean in every state, and told to who goes on. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { AssertionError } from '../../src/assert.js'
import { type Claim, fillRows, openAt, type Provider } from './provider.js'
import { count, GROUP, queueSettings, sendOne } from './support.js'

const SCENARIO = fileURLToPath(new URL('scenario.js', import.meta.url))
const LIMIT_MILLIS = 60_000
const LEFT_ROUNDS = 30

/** Where the device, too, has something to end. Not all of them: an emulated host takes seconds to start a process. */
const VERBS_STAGES = [
  'watching-busy-exits',
  'worker-busy-terminated',
  'worker-beating-left-at-exit',
  'workers-exchange',
]

const STAGES = [
  'loaded',
  'opened',
  'closed',
  'lent',
  'watching-exits',
  'watching-busy-exits',
  'watching-holds',
  'unwatched',
  'callback-throws',
  'garbage-collected',
  'beating-ends',
  'beating-exits',
  'beating-garbage-collected',
  'worker-opened-exits',
  'worker-watching-terminated',
  'worker-busy-terminated',
  'worker-waiting-terminated',
  'worker-left-at-exit',
  'worker-beating-exits',
  'worker-beating-terminated',
  'worker-beating-left-at-exit',
  'workers-exchange',
]

function claimClose(claim: Claim): void {
  claim('close is idempotent, and detaches the slab and every view', ({ open }) => {
    const endpoint = open()
    const view = new Uint8Array(endpoint.slab)
    sendOne(endpoint, endpoint.addDestination(endpoint.local(0)))
    endpoint.close()
    endpoint.close()
    assert.equal(endpoint.slab.byteLength, 0)
    assert.equal(view.length, 0)
    assert.equal(endpoint.txRows.length, 0)
    assert.equal(endpoint.rxRows[0]?.length, 0)
    assert.equal(count(endpoint, 'tx-datagrams'), 1, 'counters stay readable')
  })

  claim('close with slots lent, while watched, with more to read and sends under way', ({ provider, open }) => {
    const lent = open({ queues: [queueSettings({ rxSlots: 2 })] })
    const self = lent.addDestination(lent.local(0))
    lent.watch(() => undefined)
    for (let round = 0; round < 5; round++) sendOne(lent, self, { length: provider.bytes })
    assert.equal(lent.wait(1_000_000), 1)
    assert.ok(lent.rxBurst(0) >= 1)
    fillRows(lent, self, 50, provider.bytes)
    assert.equal(lent.txBurst(0, 50), 50)
    lent.close()
    lent.close()
  })

  claim('every call of a closed endpoint says so, and none crashes', ({ open }) => {
    const endpoint = open()
    const address = endpoint.local(0)
    endpoint.close()
    const closed = { code: 'CLOSED' }
    assert.throws(() => endpoint.local(0), closed)
    assert.throws(() => endpoint.addDestination(address), closed)
    assert.throws(() => endpoint.adoptSource(0, 0), closed)
    assert.throws(() => endpoint.removeDestination(0), closed)
    assert.throws(() => endpoint.addGroup(GROUP, 9), closed)
    assert.throws(() => endpoint.wakeHandle(), closed)
    assert.throws(() => endpoint.watch(() => undefined), closed)
    const message = /only while it is open/
    assert.throws(() => endpoint.rxBurst(0), message)
    assert.throws(() => endpoint.postReceives(0), message)
    assert.throws(() => endpoint.txBurst(0, 0), message)
    assert.throws(() => endpoint.flush(), message)
    assert.throws(() => endpoint.wait(0), AssertionError)
    assert.throws(() => endpoint.beat(0, 0, 0, new Uint32Array(0), 0, 0, 0), message)
    endpoint.setSpin(1)
    endpoint.unwatch()
  })
}

export function claimClosing(claim: Claim, provider: Provider): void {
  claimClose(claim)

  claim('opening and closing many times leaves nothing behind', async () => {
    const left = (): number => readdirSync('/proc/self/fd').length
    openAt(provider).close() // what a device's library keeps open for the process
    await after(20) // what was watched before is closed by the loop
    const before = left()
    for (let round = 0; round < LEFT_ROUNDS; round++) {
      const endpoint = openAt(provider)
      endpoint.watch(() => undefined)
      endpoint.close()
    }
    await after(20)
    assert.equal(left(), before)
  })

  for (const stage of provider.name === 'udp' ? STAGES : VERBS_STAGES) {
    claim(`a process ends cleanly when ${stage}`, () => {
      const options = { timeout: LIMIT_MILLIS, encoding: 'utf8' } as const
      const ended = spawnSync(process.execPath, ['--expose-gc', SCENARIO, stage, provider.name], options)
      assert.equal(ended.signal, null, ended.stderr)
      assert.equal(ended.status, 0, ended.stderr)
      assert.equal(ended.stderr, '')
    })
  }
}

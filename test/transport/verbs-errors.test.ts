/**
 * Sends that the device cannot do: counted as completion errors, and the endpoint goes on, receiving as well. One is
 * made by a route that goes away behind a destination's back: only a host of scripts/rdma-rig.sh is asked for that.
 */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after } from 'node:test'

import { transportAddon } from '../../src/transport/addon.js'
import type { Endpoint, EndpointSettings } from '../../src/transport/endpoint.js'
import { beatTo } from './beats.js'
import { claims, fillRows, memberOf, providerNamed } from './provider.js'
import { count, freePort, GROUP, quiet, receive, sendOne } from './support.js'

const VERBS = providerNamed('verbs')
const OWN = '2001:db8::1'
const LOST = '2001:db8::77'
const OWN_GID = '20010db8000000000000000000000001'
const LOST_GID = '20010db8000000000000000000000077'
/** The device may say that a send failed before it stops the queue pair: the next one, lost, lets it be found. */
const TRIES_MAX = 10

const inRig = process.env['HOST_ID'] !== undefined && process.getuid?.() === 0
const skip = VERBS.skip === false && !inRig ? 'changes routes: only in a host of scripts/rdma-rig.sh' : VERBS.skip
const claim = claims({ ...VERBS, skip })

function ip(...words: string[]): void {
  execFileSync('ip', words)
}

/** An address of its own whose neighbour nobody is, until the route to it is taken away. */
function prepare(): void {
  const device = 'eth0'
  ip('address', 'replace', `${OWN}/64`, 'dev', device, 'nodad')
  ip('neigh', 'replace', LOST, 'lladdr', '02:00:00:00:00:77', 'dev', device, 'nud', 'permanent')
  after(() => ip('address', 'del', `${OWN}/64`, 'dev', device))
}

/** Settings for the GID of that address, once the device has it. */
async function settings(): Promise<Partial<EndpointSettings>> {
  for (let round = 0; round < 100; round++) {
    const gids = transportAddon().rdmaPorts()[0]?.gids ?? []
    const own = gids.find(({ gid }) => gid === OWN_GID)
    if (own !== undefined) return { gidIndex: own.index }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`the device has no GID ${OWN_GID}`)
}

function withoutRoute(run: () => void): void {
  ip('-6', 'route', 'add', 'unreachable', `${LOST}/128`)
  try {
    run()
  } finally {
    ip('-6', 'route', 'del', 'unreachable', `${LOST}/128`)
  }
}

/** Sends until one is heard. */
function sendUntilHeard(from: Endpoint, destination: number, to: Endpoint, kind: number): void {
  for (let round = 0; round < TRIES_MAX; round++) {
    sendOne(from, destination, { kind })
    if (to.wait(200_000) === 0) continue
    assert.equal(receive(to, 1)[0]?.kind, kind)
    return
  }
  assert.fail(`${TRIES_MAX} datagrams were sent, and none was heard`)
}

if (skip === false) prepare()

claim('a send that fails is counted, and the endpoint goes on sending and receiving', async ({ open }) => {
  const changes = await settings()
  const [from, to] = [open(changes), open(changes)]
  const good = from.addDestination(to.local(0))
  const back = to.addDestination(from.local(0))
  const lost = from.addDestination({ ...to.local(0), gid: LOST_GID })
  for (let round = 1; round <= 3; round++) {
    const before = count(from, 'completion-errors')
    withoutRoute(() => {
      fillRows(from, lost, 100, VERBS.bytes)
      assert.equal(from.txBurst(0, 100), 100)
      from.flush()
    })
    assert.ok(count(from, 'completion-errors') > before)
    sendUntilHeard(from, good, to, 10 + round)
    sendUntilHeard(to, back, from, 20 + round)
    const errors = count(from, 'completion-errors')
    fillRows(from, good, 200, VERBS.bytes)
    assert.equal(from.txBurst(0, 200), 200)
    from.flush()
    assert.equal(receive(to, 200).length, 200)
    fillRows(to, back, 256, 64)
    assert.equal(to.txBurst(0, 256), 256)
    assert.equal(receive(from, 256).length, 256, 'every receive slot is posted again')
    assert.equal(count(from, 'completion-errors'), errors)
  }
})

claim('one that only receives after a failed send hears again, and its group as well', async ({ open }) => {
  const changes = await settings()
  const port = await freePort()
  const [from, to] = [open({ ...changes, ...memberOf(port, GROUP) }), open(changes)]
  const back = to.addDestination(from.local(0))
  const group = to.addGroup(GROUP, port)
  const lost = from.addDestination({ ...to.local(0), gid: LOST_GID })
  withoutRoute(() => {
    sendOne(from, lost)
    while (!quiet(from, 50_000)) continue
  })
  sendUntilHeard(to, back, from, 5)
  sendUntilHeard(to, group, from, 6)
})

claim('what was received before a send failed is still there', async ({ open }) => {
  const changes = await settings()
  const [from, to] = [open(changes), open(changes)]
  const back = to.addDestination(from.local(0))
  const lost = from.addDestination({ ...to.local(0), gid: LOST_GID })
  sendOne(to, back, { kind: 1, fill: 8 })
  assert.equal(from.wait(1_000_000), 1)
  assert.equal(from.rxBurst(0), 1)
  sendOne(to, back, { kind: 2, fill: 9 })
  assert.equal(from.wait(1_000_000), 1)
  withoutRoute(() => sendOne(from, lost, { length: VERBS.bytes }))
  assert.equal(from.adoptSource(0, 0), from.addDestination(to.local(0)), 'the burst is lent as before')
  from.postReceives(0)
  assert.equal(receive(from, 1)[0]?.kind, 2)
  sendUntilHeard(to, back, from, 3)
})

claim('beats that fail are counted, and those of other destinations go on', async ({ open }) => {
  const changes = await settings()
  const [from, to] = [open(changes), open(changes)]
  const good = from.addDestination(to.local(0))
  const lost = from.addDestination({ ...to.local(0), gid: LOST_GID })
  const places = [lost, good]
  beatTo(from, places, { periodMicros: 10_000 })
  receive(to, 3)
  withoutRoute(() => {
    for (let sent = count(from, 'beats-sent'); count(from, 'beats-sent') < sent + 10; ) quiet(to, 10_000)
  })
  receive(to, 10)
  from.beat(0, 0, 0, new Uint32Array(0), 0, 0, 0)
  assert.ok(count(from, 'completion-errors') > 0, 'counted by when they are stopped')
  while (!quiet(to, 50_000)) continue
  sendUntilHeard(from, good, to, 44)
})

/**
 * The endpoint over verbs: its contract, and what is of RDMA devices alone. Skipped, with the reason, where no device
 * has an active port; scripts/rdma-rig.sh has one (docs/rdma.md).
 */

import assert from 'node:assert/strict'

import { transportAddon } from '../../src/transport/addon.js'
import { chooseProvider, pathDatagramBytes } from '../../src/transport/open-endpoint.js'
import { endpointContract } from './contract.js'
import { claims, fillRows, providerNamed } from './provider.js'
import { count, LENGTH_MIN, queueSettings, quiet, receive, receiveUntil, sendOne } from './support.js'

const VERBS = providerNamed('verbs')
const { address, bytes } = VERBS
/** Of TEST-NET-1: on no network. */
const NOBODY_GID = `${'0'.repeat(20)}ffffc00002c8`
const LINK_LOCAL_GID = /^fe80/

endpointContract(VERBS)

const claim = claims(VERBS)

claim('auto chooses it, and knows what passes', ({ open }) => {
  assert.equal(chooseProvider('auto').provider, 'verbs')
  const local = open().local(0)
  assert.ok(local.qpNumber > 0)
  assert.match(local.gid, /^0{20}ffff[0-9a-f]{8}$/, 'the IPv4-mapped GID is preferred')
})

claim('a datagram larger than the MTU is refused at the setup, one as large passes', ({ pair, open }) => {
  const mtu = pathDatagramBytes(address, 'verbs')
  assert.throws(() => open({ datagramBytes: mtu + 64 }), { code: 'BAD_ARGUMENT' })
  const [from, to] = pair({ datagramBytes: mtu })
  const large = open({ datagramBytes: mtu })
  sendOne(large, large.addDestination(to.local(0)), { length: mtu, fill: 3 })
  assert.equal(receive(to, 1)[0]?.length, mtu)
  sendOne(large, large.addDestination(from.local(0)), { length: LENGTH_MIN })
  assert.equal(receive(from, 1)[0]?.length, LENGTH_MIN)
})

claim('what the device has not is refused: address, device, GID index', ({ open }) => {
  assert.throws(() => open({ address: '127.0.0.1' }), { code: 'NO_DEVICE' })
  assert.throws(() => open({ device: 'other0' }), { code: 'NO_DEVICE' })
  assert.throws(() => open({ gidIndex: 200 }), { code: 'NO_DEVICE', message: /no GID of index 200/ })
})

claim('a GID index is taken at its word, and its GID is published and answers', ({ open }) => {
  const gids = transportAddon().rdmaPorts()[0]?.gids ?? []
  const chosen = gids.find(({ gid }) => LINK_LOCAL_GID.test(gid))
  assert.ok(chosen !== undefined, 'Soft-RoCE has a link-local GID')
  const [from, to] = [open({ gidIndex: chosen.index }), open({ gidIndex: chosen.index })]
  assert.equal(to.local(0).gid, chosen.gid)
  sendOne(from, from.addDestination(to.local(0)), { kind: 3 })
  let back = -1
  assert.equal(receive(to, 1, 0, ({ row }) => (back = to.adoptSource(0, row)))[0]?.kind, 3)
  assert.equal(to.addDestination(from.local(0)), back, 'the GRH names the source, without an IP header in it')
  sendOne(to, back, { kind: 4 })
  assert.equal(receive(from, 1)[0]?.kind, 4)
})

claim('a small datagram goes inline, a large one from the slab', ({ pair }) => {
  const [from, to, destination] = pair()
  const inlineMax = from.inlineBytesMax
  assert.ok(inlineMax >= LENGTH_MIN && inlineMax < bytes)
  const lengths = [LENGTH_MIN, inlineMax - (inlineMax % 4), inlineMax - (inlineMax % 4) + 4, bytes]
  for (const [place, length] of lengths.entries()) {
    sendOne(from, destination, { length, fill: place })
    assert.equal(count(from, 'tx-inline'), Math.min(place + 1, 2), `${length} bytes`)
    assert.equal(count(from, 'tx-signalled'), Math.max(place - 1, 0), 'flush waits for what is not inline')
    assert.ok(receive(to, 1)[0]?.body.every((byte) => byte === place))
  }
})

claim('one send in 64 asks for a completion, and the last of a burst from the slab', ({ pair }) => {
  const [from, to, destination] = pair()
  for (let sent = 1; sent <= 130; sent++) {
    sendOne(from, destination)
    assert.equal(count(from, 'tx-signalled'), Math.floor(sent / 64), `after ${sent}`)
  }
  receive(to, 130)
  fillRows(from, destination, 64, bytes)
  assert.equal(from.txBurst(0, 64), 64)
  from.flush()
  assert.equal(count(from, 'tx-signalled'), 4, 'the 192nd, and the last')
  receive(to, 64)
})

claim('more sends than the send queue is deep, and none is refused', ({ provider, open }) => {
  const from = open({ txSlots: 2048, txRows: 2048 })
  const to = open({ queues: [queueSettings({ rxSlots: 4096 })] })
  fillRows(from, from.addDestination(to.local(0)), 2048, 128)
  assert.ok(128 < provider.bytes)
  assert.equal(from.txBurst(0, 2048), 2048)
  from.flush()
  assert.equal(count(from, 'tx-refused'), 0)
  assert.equal(count(from, 'tx-calls'), 4, 'half a send queue at a time')
  assert.equal(receive(to, 2048).length, 2048)
})

claim('the ladder holds here, too', ({ pair }) => {
  const [from, to, destination] = pair()
  sendOne(from, destination, { magic: 1 })
  sendOne(from, destination, { version: 99 })
  sendOne(from, destination, { cluster: 1 })
  receiveUntil(to, 'dropped-wrong-cluster', 1)
  assert.equal(count(to, 'dropped-bad-magic'), 1)
  assert.equal(count(to, 'dropped-bad-version'), 1)
  assert.equal(count(to, 'rx-datagrams'), 0)
})

claim('with a wrong Q_Key nothing arrives, and both go on', ({ pair }) => {
  const [from, to, good] = pair()
  const local = to.local(0)
  const wrong = from.addDestination({ ...local, qkey: local.qkey ^ 1 })
  assert.notEqual(wrong, good, 'another Q_Key is another address')
  assert.equal(sendOne(from, wrong, { kind: 1 }), 1)
  assert.equal(sendOne(from, wrong, { kind: 1, length: bytes }), 1)
  sendOne(from, good, { kind: 2 })
  assert.deepEqual(
    receive(to, 1).map(({ kind }) => kind),
    [2],
  )
  assert.ok(quiet(to, 20_000))
  assert.equal(count(from, 'completion-errors') + count(to, 'completion-errors'), 0)
})

claim('an address that nobody has is refused with advice, and the endpoint goes on', ({ pair }) => {
  const [from, to, good] = pair()
  const refused = { code: 'DEVICE', syscall: 'ibv_create_ah', message: /does the address answer to a ping/ }
  assert.throws(() => from.addDestination({ ...to.local(0), gid: NOBODY_GID }), refused)
  assert.throws(() => from.addDestination({ ...to.local(0), gid: '0'.repeat(32) }), refused)
  for (const gid of ['zz', '', 'F'.repeat(32), `${NOBODY_GID}0`]) {
    assert.throws(() => from.addDestination({ ...to.local(0), gid }), { code: 'BAD_ARGUMENT' }, gid)
  }
  sendOne(from, good, { kind: 5 })
  assert.equal(receive(to, 1)[0]?.kind, 5)
})

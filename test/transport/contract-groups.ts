/** Multicast: who hears a group, who does not, and that members may come and go. */

import assert from 'node:assert/strict'

import type { Endpoint } from '../../src/transport/endpoint.js'
import { type Claim, fillRows, kindsTo, memberOf } from './provider.js'
import { freePort, GROUP, queueSettings, quiet, receive, sendOne } from './support.js'

const OTHER_GROUP = '239.195.7.8'
const THIRD_GROUP = '239.195.7.9'

function hears(endpoint: Endpoint, kind: number): void {
  assert.equal(receive(endpoint, 1)[0]?.kind, kind)
}

function claimHearing(claim: Claim): void {
  claim('every member of a group hears it, a stranger and the sender do not', async ({ provider: { bytes }, open }) => {
    const port = await freePort()
    const members = [open(memberOf(port, GROUP, THIRD_GROUP)), open(memberOf(port, GROUP))]
    const [stranger, from] = [open(memberOf(port, OTHER_GROUP)), open(memberOf(port, OTHER_GROUP))]
    const group = from.addGroup(GROUP, port)
    assert.equal(from.addGroup(GROUP, port), group, 'equal groups share a destination')
    fillRows(from, group, 60, bytes)
    assert.equal(from.txBurst(0, 60), 60)
    from.flush()
    for (const each of members) {
      assert.deepEqual(
        receive(each, 60).map(({ kind }) => kind),
        kindsTo(60),
      )
    }
    assert.ok(quiet(stranger, 20_000), 'a group that was not joined is not heard')
    assert.ok(quiet(from, 1_000), 'a sender does not hear itself')
  })

  claim('a member of two groups hears both, and unicast beside them', async ({ open }) => {
    const port = await freePort()
    const [from, to] = [open(), open(memberOf(port, GROUP, OTHER_GROUP))]
    const places = [from.addGroup(GROUP, port), from.addGroup(OTHER_GROUP, port), from.addDestination(to.local(0))]
    for (const [kind, place] of places.entries()) {
      sendOne(from, place, { kind })
      hears(to, kind)
    }
  })
}

function claimComing(claim: Claim): void {
  claim('a member leaves and another joins: each hears what is sent while it is one', async ({ open }) => {
    const port = await freePort()
    const [from, stays] = [open(), open(memberOf(port, GROUP))]
    let leaver = open(memberOf(port, GROUP))
    const group = from.addGroup(GROUP, port)
    for (let round = 0; round < 3; round++) {
      sendOne(from, group, { kind: 10 + round })
      hears(stays, 10 + round)
      hears(leaver, 10 + round)
      leaver.close()
      sendOne(from, group, { kind: 20 + round })
      hears(stays, 20 + round)
      leaver = open(memberOf(port, GROUP))
      assert.ok(quiet(leaver, 1_000), 'what was sent before it joined is not for it')
    }
    stays.close()
    sendOne(from, group, { kind: 30 })
    hears(leaver, 30)
  })

  claim('the last member leaves, the group is joined anew, and its sender is heard again', async ({ open }) => {
    const port = await freePort()
    const from = open()
    const group = from.addGroup(GROUP, port)
    for (let round = 0; round < 3; round++) {
      const member = open(memberOf(port, GROUP))
      sendOne(from, group, { kind: round })
      hears(member, round)
      member.close()
      sendOne(from, group)
    }
  })

  claim('a group is sent to again by an endpoint that removed it', async ({ open }) => {
    const port = await freePort()
    const [from, to] = [open(), open(memberOf(port, GROUP))]
    for (let round = 0; round < 3; round++) {
      const group = from.addGroup(GROUP, port)
      sendOne(from, group, { kind: round })
      hears(to, round)
      from.removeDestination(group)
      assert.equal(sendOne(from, group), 0)
    }
  })
}

export function claimGroups(claim: Claim): void {
  claimHearing(claim)
  claimComing(claim)

  claim('groups that are none are refused, and no group is a destination of unicast', ({ open }) => {
    for (const group of ['127.0.0.1', 'localhost', 'ff02::1', '']) {
      const queues = [queueSettings({ multicast: { port: 9999, groups: [group] } })]
      assert.throws(() => open({ queues }), { code: 'BAD_ARGUMENT' }, group)
    }
    const endpoint = open()
    for (const group of ['127.0.0.1', 'ff02::1', 'x']) {
      assert.throws(() => endpoint.addGroup(group, 9999), { code: 'BAD_ARGUMENT' }, group)
    }
    const local = endpoint.local(0)
    const gids = ['ff12'.padEnd(32, '0'), '0'.repeat(20) + 'ffffefc30701']
    for (const gid of gids) {
      const address = { ...local, address: GROUP, gid: local.gid === '' ? '' : gid }
      assert.throws(() => endpoint.addDestination(address), { code: 'BAD_ARGUMENT' }, gid)
    }
  })
}

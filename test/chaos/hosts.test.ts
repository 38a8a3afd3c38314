/** Every way to cut a host off cuts what it says, silently, and is undone. Needs root and iproute2. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { end } from '../integration/replica-process.js'
import * as hosts from './hosts.js'
import { awaitFact } from './watch.js'

const PREFIX = `zh${process.pid % 100_000}`
const HOSTS = 3
const MILLIS_MAX = 15_000
const BEACON = fileURLToPath(new URL('./beacon.js', import.meta.url))

/** The hosts a, b, c and the tool t; an unstarred name was heard by unicast, a starred one by multicast. */
const WHOLE = { a: 'b b* c c* t', b: 'a a* c c* t', c: 'a a* b b* t', t: 'a b c' }
type Heard = Record<keyof typeof WHOLE, string>

const CUTS: { name: string; cut: () => void; heal: () => void; heard: Partial<Heard> }[] = [
  {
    name: 'mute',
    cut: () => hosts.mute(PREFIX, 0),
    heal: () => hosts.unmute(PREFIX, 0),
    heard: { b: 'c c* t', c: 'b b* t', t: 'b c' },
  },
  {
    name: 'deaf',
    cut: () => hosts.deafen(PREFIX, 0),
    heal: () => hosts.undeafen(PREFIX, 0),
    heard: { a: '' },
  },
  {
    name: 'set apart',
    cut: () => hosts.setApart(PREFIX, 0),
    heal: () => hosts.setBack(PREFIX, 0),
    heard: { a: 't', b: 'c c* t', c: 'b b* t' },
  },
  {
    name: 'misdirected',
    cut: () => hosts.misdirect(PREFIX, 0, 1),
    heal: () => hosts.redirect(PREFIX, 0, 1),
    heard: { b: 'a* c c* t' },
  },
]

test('hosts: each cut cuts what it says and no more, and is undone', async (t: TestContext) => {
  const missing = hosts.makeHosts(PREFIX, HOSTS)
  if (missing !== null) return t.skip(`network namespaces cannot be made here: ${missing}`)
  const heard: Heard = { a: '', b: '', c: '', t: '' }
  const children: ChildProcess[] = []
  const addresses = [0, 1, 2].map(hosts.hostAddress)
  const start = (name: keyof Heard, space: string, address: string): void => {
    const all = [...addresses, hosts.TOOL_ADDRESS].filter((each) => each !== address)
    const words = ['netns', 'exec', space, process.execPath, BEACON, name, address, ...all]
    const child = spawn('ip', words, { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout?.on('data', (chunk: Buffer) => {
      heard[name] = chunk.toString().trimEnd().split('\n').at(-1) ?? ''
    })
    children.push(child)
  }
  const awaitHeard = async (wanted: Heard, when: string): Promise<void> => {
    const isSo = (): boolean => JSON.stringify(heardOf(heard)) === JSON.stringify(heardOf(wanted))
    assert.ok(await awaitFact(isSo, MILLIS_MAX), `${when}: ${JSON.stringify(heard)}, not ${JSON.stringify(wanted)}`)
  }
  try {
    for (const [host, name] of (['a', 'b', 'c'] as const).entries()) {
      start(name, hosts.hostSpace(PREFIX, host), hosts.hostAddress(host))
    }
    start('t', hosts.bridgeSpace(PREFIX), hosts.TOOL_ADDRESS)
    await awaitHeard(WHOLE, 'at first')
    for (const { name, cut, heal, heard: changed } of CUTS) {
      cut()
      await awaitHeard({ ...WHOLE, ...changed }, name)
      heal()
      await awaitHeard(WHOLE, `after ${name}`)
    }
  } finally {
    await Promise.all(children.map(end))
    hosts.removeHosts(PREFIX, HOSTS)
  }
})

/** The tool has a foot on both bridges: what it multicasts and hears of multicast is no matter. */
function heardOf(heard: Heard): string[] {
  const names = (text: string): string => text.split(' ').filter((each) => each !== 't*').join(' ')
  const tool = heard.t.split(' ').filter((each) => !each.endsWith('*')).join(' ')
  return [names(heard.a), names(heard.b), names(heard.c), tool]
}

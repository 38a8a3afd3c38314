/** Sessions of clients that are not heard of end by the log's time; those of others do not. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { settled, startProcesses } from './processes.js'
import { end } from './replica-process.js'
import { until } from './until.js'

const CLIENT = fileURLToPath(new URL('paused-client.js', import.meta.url))
const WORDS = ['--store-mib', '64', '--history-mib', '16', '--failure-timeout-ms', '200', '--session-seconds', '1']

interface PausedClient {
  child: ChildProcess
  said: string
}

async function startClient(registryPort: number, cluster: string): Promise<PausedClient> {
  const words = [CLIENT, `127.0.0.1:${registryPort}`, cluster]
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  const client: PausedClient = { child, said: '' }
  client.child.stdout?.on('data', (chunk: Buffer) => (client.said += chunk.toString()))
  await until(() => client.said.includes('connected'), 'the client is connected')
  return client
}

/** `file`: the client stands still before that file is there. */
async function write(client: PausedClient, key: string, file = ''): Promise<string> {
  client.child.stdin?.write(`${key} ${file}`.trim() + '\n')
  const answer = new RegExp(`^${key}: (.*)$`, 'm')
  await until(() => answer.test(client.said), `the write of ${key} ends`)
  return answer.exec(client.said)?.[1] ?? ''
}

test('sessions: one whose client stands still expires while others write, and its operations then say so', async () => {
  const processes = await startProcesses(3, WORDS)
  const folder = mkdtempSync(join(tmpdir(), 'zabkv-expiry-'))
  const client = await startClient(processes.registryPort, processes.cluster)
  try {
    await using kv = await processes.client()
    assert.equal(await write(client, 'first'), 'OK')
    const sessions = (await settled(processes)).map(({ store }) => store.sessions)
    assert.equal(new Set(sessions).size, 1)
    const waked = join(folder, 'wake')
    const expired = write(client, 'expired', waked)
    await until(async () => {
      await kv.set('of another', 'v')
      return (await processes.statsOf(0)).store.sessions < (sessions[0] ?? 0)
    }, 'its session is gone')
    const stats = await settled(processes)
    assert.deepEqual(stats.map(({ store }) => store.sessions), [1, 1, 1], 'that of who writes is left')
    assert.equal(new Set(stats.map(({ sessionsDigest }) => sessionsDigest)).size, 1)
    writeFileSync(waked, '')
    assert.equal(await expired, 'SESSION_EXPIRED')
    assert.equal(await kv.get('expired'), null)
    assert.equal(await write(client, 'anew'), 'OK', 'later operations open a new session')
  } finally {
    await end(client.child)
    await processes.stop()
    rmSync(folder, { recursive: true })
  }
})

test('sessions: those of clients that only read, or do nothing, live on while another writes', async () => {
  const processes = await startProcesses(3, WORDS)
  try {
    await using reader = await processes.client(0)
    await using idle = await processes.client(1)
    await using writer = await processes.client(2)
    await Promise.all([reader.set('reader', 'v'), idle.set('idle', 'v')])
    for (const deadline = performance.now() + 2500; performance.now() < deadline; await sleep(20)) {
      await Promise.all([writer.set('writer', 'v'), reader.get('reader')])
    }
    assert.deepEqual((await settled(processes)).map(({ store }) => store.sessions), [3, 3, 3])
    await Promise.all([reader.set('reader', 'w'), idle.set('idle', 'w')])
  } finally {
    await processes.stop()
  }
})

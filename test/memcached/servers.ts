/** The servers that are compared: memcached itself, and the reference behind this repository's protocols. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findMemcached } from '../../src/registry/locate.js'
import { packageRoot } from '../package-root.js'

const HOST = '127.0.0.1'
const START_MILLIS_MAX = 5000
const POLL_MILLIS = 20

export interface Server {
  readonly port: number
  /** What it had to complain about; settles when it has ended. */
  close(): Promise<string>
}

export const MEMCACHED = await findMemcached(process.env['PATH'] ?? '')
export const SKIP_WITHOUT_MEMCACHED = MEMCACHED === null ? 'no memcached on PATH (apt-get install memcached)' : false

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port })
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function handle(child: ChildProcess, port: number, stop: () => void): Server {
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-4000)))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const close = async (): Promise<string> => {
    stop()
    await ended
    return complaint
  }
  return { port, close }
}

/**
 * Without its background threads: they hold items now and then, and while one is held, a number that is changed does
 * not keep its width.
 */
export async function startMemcached(): Promise<Server> {
  if (MEMCACHED === null) throw new Error('startMemcached: there is no memcached on PATH')
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
  const words = ['-l', HOST, '-p', String(port), '-U', '0', '-t', '1', '-o', 'no_modern', ...user]
  const child = spawn(MEMCACHED, words, { stdio: ['ignore', 'ignore', 'ignore'] })
  const server = handle(child, port, () => void child.kill('SIGTERM'))
  for (let waited = 0; !(await answers(port)); waited += POLL_MILLIS) {
    if (waited > START_MILLIS_MAX) throw new Error('startMemcached: it does not answer')
    await sleep(POLL_MILLIS)
  }
  return server
}

/** Builds and starts memcached/test/server.cc; it ends when this process does. */
export async function startReference(flags: readonly string[], words: readonly string[] = []): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'zabkv-memcached-'))
  const program = join(folder, 'server')
  const script = join(packageRoot(), 'memcached', 'test', 'build.sh')
  const built = spawnSync('sh', [script, 'server', program, ...flags], { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`startReference: it does not build:\n${built.stderr}`)
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] })
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())))
    child.once('exit', (code) => reject(new Error(`startReference: it ended with ${code}`)))
  })
  const server = handle(child, port, () => void child.stdin.end())
  return {
    port,
    close: async () => {
      const complaint = await server.close()
      rmSync(folder, { recursive: true, force: true })
      return complaint
    },
  }
}

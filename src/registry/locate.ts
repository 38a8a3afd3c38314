/**
 * Starts a registry on this machine: a `memcached` from PATH when there is one, else the embedded
 * server.
 *
 * Only the process that was started here is ever stopped, by its own handle.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { access, constants, readFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ZabkvError } from '../errors.js'
import { formatHostPort } from './host-port.js'
import { addressInUse, listen, listeningPort, startRegistryServer } from './server.js'

const START_MILLIS_MAX = 5000
const STOP_MILLIS_MAX = 2000
const POLL_MILLIS = 20
const ANSWER_MILLIS_MAX = 500
const STDERR_CHARACTERS_MAX = 2000

export interface StartRegistryOptions {
  host: string
  /** 0: any free port. */
  port: number
  /** Searched for `memcached`; PATH unless told. Empty: the embedded server. */
  path?: string
}

export interface RegistryHandle {
  readonly kind: 'memcached' | 'embedded'
  readonly host: string
  readonly port: number
  /** Of the memcached started here; null when embedded. */
  readonly pid: number | null
  /** Settles when the registry has ended, also when nobody asked it to. */
  readonly ended: Promise<void>
  /** Idempotent; settles when it has ended. */
  close(): Promise<void>
}

export async function startRegistry(options: StartRegistryOptions): Promise<RegistryHandle> {
  const binary = await findMemcached(options.path ?? process.env['PATH'] ?? '')
  if (binary === null) return startEmbedded(options.host, options.port)
  // memcached does not tell which port it got, so a free one is found first; the bind fails clearly
  // if it is lost.
  const port = await freePort(options.host, options.port)
  return startMemcached(binary, options.host, port)
}

/** The first executable of that name, or null. */
export async function findMemcached(path: string): Promise<string | null> {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue
    const file = join(folder, 'memcached')
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return file
  }
  return null
}

async function startEmbedded(host: string, port: number): Promise<RegistryHandle> {
  const server = await startRegistryServer({ host, port })
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  const close = async (): Promise<void> => {
    await server.close()
    end()
  }
  return { kind: 'embedded', host, port: server.port, pid: null, ended, close }
}

/** Fails with ADDRESS_IN_USE when the port asked for is taken. */
async function freePort(host: string, port: number): Promise<number> {
  const server = createServer()
  await listen(server, host, port)
  const found = listeningPort(server)
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return found
}

async function startMemcached(binary: string, host: string, port: number): Promise<RegistryHandle> {
  // -M: refuse when full instead of evicting: a directory must not forget replicas in silence.
  const words = ['-l', host, '-p', String(port), '-U', '0', '-m', '64', '-M']
  const user = process.getuid?.() === 0 ? await unprivilegedUser() : null
  if (user !== null) words.push('-u', user)
  const child = spawn(binary, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const complaint = collectStderr(child)
  const stopOnExit = (): void => void child.kill('SIGTERM')
  process.once('exit', stopOnExit)
  void ended.then(() => process.off('exit', stopOnExit))
  let closing: Promise<void> | null = null
  const close = (): Promise<void> => (closing ??= stop(child, ended))
  try {
    await untilItAnswers(child, host, port, complaint)
  } catch (error) {
    await close()
    throw error
  }
  return { kind: 'memcached', host, port, pid: child.pid ?? null, ended, close }
}

/** memcached started by root wants a user to become. */
async function unprivilegedUser(): Promise<string> {
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '')
  for (const user of ['memcache', 'nobody']) {
    if (users.split('\n').some((line) => line.startsWith(`${user}:`))) return user
  }
  return 'root'
}

function collectStderr(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8')
  child.stderr?.on('data', (chunk: string) => {
    if (text.length < STDERR_CHARACTERS_MAX) text += chunk.slice(0, STDERR_CHARACTERS_MAX)
  })
  child.once('error', (error) => (text = error.message))
  return () => text.trim()
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

/** Waits until the child itself answers: another process on the port would tell another pid. */
async function untilItAnswers(
  child: ChildProcess,
  host: string,
  port: number,
  complaint: () => string,
): Promise<void> {
  const where = formatHostPort(host, port)
  const deadline = performance.now() + START_MILLIS_MAX
  while (performance.now() < deadline) {
    if (hasEnded(child)) {
      const said = complaint()
      if (/in use/i.test(said)) throw addressInUse(where, {})
      throw startFailed(where, said === '' ? 'it ended without a word' : said)
    }
    const pid = await askPid(reachable(host), port)
    if (pid !== null && pid === child.pid) return
    await sleep(POLL_MILLIS)
  }
  throw startFailed(where, `no answer within ${START_MILLIS_MAX} ms`)
}

function startFailed(where: string, why: string): ZabkvError {
  const sentence = `memcached did not start on ${where} (${why}): try another HOST:PORT.`
  return new ZabkvError('REGISTRY_UNREACHABLE', sentence)
}

/** An address to connect to for a server that listens on all. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

/** The process id that the server on that port tells; null when none answers. */
function askPid(host: string, port: number): Promise<number | null> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host, port })
    socket.setEncoding('utf8')
    socket.setTimeout(ANSWER_MILLIS_MAX, () => socket.destroy())
    socket.once('connect', () => socket.write('stats\r\n'))
    socket.on('data', (chunk: string) => {
      text += chunk
      const pid = /^STAT pid ([0-9]+)\r$/m.exec(text)?.[1]
      if (pid === undefined) return
      resolve(Number(pid))
      socket.destroy()
    })
    socket.on('error', () => undefined) // not up yet; 'close' follows
    socket.once('close', () => resolve(null))
  })
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (hasEnded(child)) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MILLIS_MAX)
  await ended
  clearTimeout(timer)
}

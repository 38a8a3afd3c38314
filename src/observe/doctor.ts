/**
 * The whole examination of this machine: what transport/probe.ts finds, and what is around it.
 */
import { ZabkvError } from '../errors.js'
import { connectRegistry } from '../registry/connection.js'
import { formatHostPort, type HostPort } from '../registry/host-port.js'
import { findMemcached } from '../registry/locate.js'
import { probe, type Fact } from '../transport/probe.js'

export interface ExamineOptions {
  registry: HostPort
  /** Of the interface to examine. */
  address: string
  /** Where to look for memcached. */
  path: string
  nodeVersion: string
}

const NODE_MAJOR_MIN = 20
const NODE_MINOR_MIN = 19
const REGISTRY_MILLIS_MAX = 2000

export async function examine(options: ExamineOptions): Promise<Fact[]> {
  return [
    judgeNode(options.nodeVersion),
    ...probe({ address: options.address }),
    await judgeMemcached(options.path),
    await judgeRegistry(options.registry),
  ]
}

export function judgeNode(version: string): Fact {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const isNewEnough = major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN)
  if (isNewEnough) return { name: 'node', verdict: 'ok', value: version, advice: 'new enough' }
  const advice = `install Node.js ${NODE_MAJOR_MIN}.${NODE_MINOR_MIN} or newer`
  return { name: 'node', verdict: 'fail', value: version, advice }
}

export async function judgeMemcached(path: string): Promise<Fact> {
  const found = await findMemcached(path)
  const advice =
    found === null
      ? 'nothing to do: zabkv registry then runs its embedded server'
      : 'zabkv registry runs this one'
  return { name: 'memcached', verdict: 'ok', value: found ?? 'not on the path', advice }
}

/** Needed only to join: a machine that is no part of a cluster yet may well have none. */
export async function judgeRegistry(registry: HostPort): Promise<Fact> {
  const where = formatHostPort(registry.host, registry.port)
  const connection = connectRegistry({ ...registry, timeoutMillis: REGISTRY_MILLIS_MAX })
  try {
    // A key that nobody writes: any answer proves the registry.
    await connection.get('zabkv:doctor')
    return { name: 'registry', verdict: 'ok', value: `${where} answers`, advice: 'replicas can join' }
  } catch (error) {
    if (!(error instanceof ZabkvError)) throw error
    const advice = 'to join a cluster run zabkv registry there, or give --registry HOST:PORT'
    return { name: 'registry', verdict: 'warn', value: `${where} does not answer`, advice }
  } finally {
    connection.close()
  }
}

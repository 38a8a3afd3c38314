/**
 * Judges the facts about this machine: what is well, what is not, and what to do about it.
 */
import { connectRegistry } from '../registry/connection.js'
import { formatHostPort, type HostPort } from '../registry/host-port.js'
import { findMemcached } from '../registry/locate.js'
import { ZabkvError } from '../errors.js'

export type Verdict = 'ok' | 'note' | 'wrong'

export interface Finding {
  subject: string
  verdict: Verdict
  /** What was found, in a few words. */
  found: string
  /** What to do, in a sentence; empty when nothing is to do. */
  advice: string
}

const NODE_MAJOR_MIN = 20
const NODE_MINOR_MIN = 19
const REGISTRY_MILLIS_MAX = 2000

export function ok(subject: string, found: string): Finding {
  return { subject, verdict: 'ok', found, advice: '' }
}

/** Works, but could be better; or is absent and not needed. */
export function note(subject: string, found: string, advice: string): Finding {
  return { subject, verdict: 'note', found, advice }
}

export function wrong(subject: string, found: string, advice: string): Finding {
  return { subject, verdict: 'wrong', found, advice }
}

export function judgeNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  if (major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN)) {
    return ok('node', version)
  }
  return wrong('node', version, `Install Node.js ${NODE_MAJOR_MIN}.${NODE_MINOR_MIN} or newer.`)
}

export async function judgeMemcached(path: string): Promise<Finding> {
  const found = await findMemcached(path)
  if (found !== null) return ok('memcached', found)
  return note('memcached', 'not on the path', 'Nothing to do: zabkv registry has an embedded server.')
}

export async function judgeRegistry(registry: HostPort): Promise<Finding> {
  const where = formatHostPort(registry.host, registry.port)
  const connection = connectRegistry({ ...registry, timeoutMillis: REGISTRY_MILLIS_MAX })
  try {
    // A key that nobody writes: any answer proves the registry.
    await connection.get('zabkv:doctor')
    return ok('registry', `${where} answers`)
  } catch (error) {
    if (!(error instanceof ZabkvError)) throw error
    const advice = 'Before a cluster can form: run zabkv registry there, or give --registry HOST:PORT.'
    return wrong('registry', `${where} does not answer`, advice)
  } finally {
    connection.close()
  }
}

export interface ExamineOptions {
  registry: HostPort
  /** Of the interface to examine. */
  address: string
  /** Where to look for memcached. */
  path: string
  nodeVersion: string
}

export interface Examination {
  findings: Finding[]
}

export async function examine(options: ExamineOptions): Promise<Examination> {
  return {
    findings: [
      judgeNode(options.nodeVersion),
      await judgeMemcached(options.path),
      await judgeRegistry(options.registry),
    ],
  }
}

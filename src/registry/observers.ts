/**
 * Which observers a cluster has, in the registry: they come and go, so they are no part of the cluster's document.
 * A list of ids; whether one lives is said by its own entry.
 */
import type { RegistryConnection } from './connection.js'
import { contended, ENTRY_TTL_SECONDS } from './directory.js'

const ATTEMPTS_MAX = 16
const LIST = /^[0-9]{1,3}(,[0-9]{1,3})*$/

/** Adds an observer to the list. To be called after `publish`, and again before the entry's time to live is over. */
export async function addObserver(connection: RegistryConnection, cluster: string, id: number): Promise<void> {
  const key = observersKey(cluster)
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const held = await connection.get(key)
    if (held === null) {
      if (await connection.add(key, String(id), ENTRY_TTL_SECONDS)) return
      continue
    }
    const ids = new Set(parse(held.value)).add(id)
    const text = [...ids].sort((a, b) => a - b).join(',')
    if (await connection.cas(key, text, held.cas, ENTRY_TTL_SECONDS)) return
  }
  throw contended(connection, `the observers of cluster ${cluster}`)
}

/** Ids that were ever added and not forgotten by the registry; some may be gone. */
export async function observersOf(connection: RegistryConnection, cluster: string): Promise<number[]> {
  const held = await connection.get(observersKey(cluster))
  return held === null ? [] : parse(held.value)
}

function observersKey(cluster: string): string {
  return `zabkv:${cluster}:observers`
}

/** What is no such list is nobody: anyone can write into a registry. */
function parse(text: string): number[] {
  return LIST.test(text) ? text.split(',').map(Number) : []
}

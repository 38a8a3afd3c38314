/** The registry's entries of one cluster, as the client needs them. */

import { members as readMembers } from '../registry/cluster-document.js'
import { connectRegistry } from '../registry/connection.js'
import { lookup } from '../registry/directory.js'
import { observersOf } from '../registry/observers.js'
import type { ReplicaEntry } from '../registry/entry.js'
import type { ClusterSettings } from '../runtime/options.js'
import type { Directory, Member } from './world.js'

export function directoryOf(
  host: string,
  port: number,
  cluster: string,
  timeoutMillis: number,
): Directory {
  const connection = connectRegistry({ host, port, timeoutMillis })
  const read = async (): Promise<Member[]> => {
    const { members } = await readMembers(connection, cluster)
    const ids = [...members, ...(await observersOf(connection, cluster))]
    const entries = await Promise.all(ids.map((id) => lookup(connection, cluster, id)))
    return entries.flatMap((entry) => (entry === null ? [] : memberOf(entry)))
  }
  return { read, close: () => connection.close() }
}

/** Nothing when the entry says nothing usable: another version of zabkv wrote it. */
function memberOf(entry: ReplicaEntry): Member[] {
  const settings = settingsOf(entry.settings)
  if (settings === null || entry.clients.length === 0) return []
  const { replica, incarnation, clients } = entry
  return [{ replica, incarnation, clients, settings }]
}

function settingsOf(json: string): ClusterSettings | null {
  let value: Partial<ClusterSettings>
  try {
    value = JSON.parse(json) as Partial<ClusterSettings>
  } catch {
    return null
  }
  const { datagramBytes, sessionWindow, transport } = value
  const numbers = [datagramBytes, sessionWindow]
  const isSound = numbers.every((number) => Number.isInteger(number) && Number(number) > 0)
  if (!isSound || (transport !== 'udp' && transport !== 'verbs')) return null
  return value as ClusterSettings
}

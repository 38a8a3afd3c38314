/**
 * Looks for the other replicas in the registry: often while this one has no place, seldom after. A replica that is
 * running meets new lives of others by their own messages; the registry is needed to find the first of them.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { at } from '../assert.js'
import type { RegistryConnection } from '../registry/connection.js'
import { ZabkvError } from '../errors.js'
import type { ReplicaEntry } from '../registry/entry.js'
import { addObserver } from '../registry/observers.js'
import { canonicalJson } from '../registry/settings.js'
import { findMembers } from '../registry/wait-for-members.js'
import type { WaitOptions } from '../registry/wait-for-members.js'
import { isStuck } from '../zab/election.js'
import { TRUST } from '../zab/state.js'
import type { Core } from './core.js'
import { isServing } from './core.js'
import { livenessProbe } from './liveness.js'
import { joinPeer } from './join-peer.js'
import type { Node } from './node.js'
import type { ReplicaOptions } from './options.js'

const SEARCH_MILLIS = 200
const SEARCH_MILLIS_PLACED = 2000
/** A new life of a replica is met so soon after it first spoke. */
const STRANGERS_MILLIS = 20

export interface Search {
  options: ReplicaOptions
  node: Node
  registry: RegistryConnection
  signal: AbortSignal
}

/** Ends with the signal. Fails with SETTINGS_MISMATCH. */
export async function searchPeers(search: Search): Promise<void> {
  const { options, node, signal } = search
  const others = options.addresses.map((_, id) => id).filter((id) => id !== options.replica)
  const settings = canonicalJson(node.settings)
  const isAlive = livenessProbe(options.stuckMillis)
  let said = ''
  while (!signal.aborted) {
    const { found, why } = await look(search, others, { signal, settings, isAlive })
    join(node.core, found)
    await stayListed(search)
    const sentence = isServing(node.core) ? '' : whatIsMissing(node.core, [...why.keys()])
    if (sentence !== '' && sentence !== said) options.log(sentence)
    said = sentence
    const millis = isServing(node.core) ? SEARCH_MILLIS_PLACED : SEARCH_MILLIS
    await rest(search, settings, performance.now() + millis)
  }
}

type Found = Awaited<ReturnType<typeof findMembers>>

/** A replica that has its place is not ended by what the registry says of others: that is their trouble. */
async function look(search: Search, ids: readonly number[], options: WaitOptions): Promise<Found> {
  try {
    return await findMembers(search.registry, search.options.cluster, ids, options)
  } catch (error) {
    if (!(error instanceof ZabkvError) || !isServing(search.node.core)) throw error
    return { found: new Map(), why: new Map() }
  }
}

/** An observer's place in the list of observers is forgotten by the registry unless it is said again. */
async function stayListed(search: Search): Promise<void> {
  const { options, registry } = search
  if (options.observer === null) return
  await addObserver(registry, options.cluster, options.replica).catch((error: unknown) => {
    if (!(error instanceof ZabkvError)) throw error // a registry that is away: later
  })
}

/** Until it is time to look again, asks about strangers only: they live, so their entries need no proof. */
async function rest(search: Search, settings: string, until: number): Promise<void> {
  const { node, signal } = search
  const { strangers } = node.core
  while (!signal.aborted && performance.now() < until) {
    await sleep(STRANGERS_MILLIS, undefined, { signal }).catch(() => undefined)
    if (strangers.size === 0) continue
    const ids = [...strangers]
    strangers.clear()
    const { found } = await look(search, ids, { signal, settings })
    join(node.core, found)
  }
}

/** A device may not know the way to one whose host has just gone: it is looked for again. */
function join(core: Core, found: ReadonlyMap<number, ReplicaEntry>): void {
  for (const [replica, entry] of found) {
    if (entry.incarnation <= at(core.state.incarnations, replica)) continue
    try {
      joinPeer(core, replica, entry)
    } catch (error) {
      if (!(error instanceof ZabkvError) || error.code !== 'DEVICE') throw error
    }
  }
}

/** For a person who waits. */
function whatIsMissing(core: Core, missing: readonly number[]): string {
  const { state } = core
  const { replica } = state.config
  if (isStuck(state, core.clock.ticks())) {
    const lost = core.state.peers.trust
    const ids = Array.from({ length: state.config.members }, (_, id) => id)
    const names = ids.filter((id) => (id === replica ? state.trust : at(lost, id)) !== TRUST.WHOLE)
    return (
      `MAJORITY_LOST: ${nameReplicas(names)} lost what they had acknowledged, and so a majority of the cluster did: ` +
      'go on from a replica that has most by `zabkv recover --from ID`, or stop all and start anew'
    )
  }
  if (missing.length > 0) return `replica ${replica} waits for ${nameReplicas(missing)}`
  return ''
}

function nameReplicas(missing: readonly number[]): string {
  return missing.length === 1 ? `replica ${missing[0]}` : `replicas ${missing.join(', ')}`
}

/**
 * Real clients for the workload: one for each replica, and sessions dealt out among them in turn.
 */
import { connect } from '../client/connect.js'
import type { LoadClient, LoadSession } from './load-client.js'
import type { WorkloadOptions } from './workload-options.js'

/** Patience for a cluster that is just starting, and for an operation under faults. */
const TIMEOUT_MILLIS = 30_000

export async function openLoadClients(
  options: WorkloadOptions,
  replicas: readonly number[],
): Promise<LoadClient[]> {
  const clients: LoadClient[] = []
  try {
    const count = Math.min(options.sessions, replicas.length)
    for (let index = 0; index < count; index++) {
      // Of 7 sessions on 3 clients, the first has 3.
      const sessions = Math.ceil((options.sessions - index) / count)
      clients.push(await openLoadClient(options, replicas[index] ?? 0, sessions))
    }
    return clients
  } catch (error) {
    await Promise.all(clients.map((client) => client.close()))
    throw error
  }
}

async function openLoadClient(
  options: WorkloadOptions,
  replica: number,
  sessionCount: number,
): Promise<LoadClient> {
  const { cluster, registry, failoverMillis } = options
  // A client that waits longer before it moves gives an operation as much more time.
  const timeoutMillis = TIMEOUT_MILLIS + 2 * failoverMillis
  const client = await connect({ cluster, registry, replica, timeoutMillis, failoverMillis })
  try {
    const sessions: LoadSession[] = [client]
    while (sessions.length < sessionCount) sessions.push(await client.session())
    return {
      sessions,
      poll: (micros) => void client.poll(micros),
      sync: async () => void (await client.sync()),
      moves: () => client.stats().moves,
      close: () => client.close(),
    }
  } catch (error) {
    await client.close()
    throw error
  }
}

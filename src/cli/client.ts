/** A client for one command: connects, does its work, closes. */
import { connect } from '../client/connect.js'
import type { Client } from '../client/client.js'
import { registryOf, timeoutOf, type ClientArguments } from './options.js'

export async function withClient<T>(
  given: ClientArguments,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connect({
    cluster: given.cluster,
    registry: registryOf(given.registry),
    timeoutMillis: timeoutOf(given.timeout),
  })
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}

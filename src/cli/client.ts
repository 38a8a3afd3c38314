/**
 * A client for one command: connects, does its work, closes.
 */
import { connect, type Client } from '../client/connect.js'
import { registryOf, timeoutOf, type ClientArguments } from './options.js'

export async function withClient<T>(
  given: ClientArguments,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { host, port } = registryOf(given.registry)
  const client = await connect({
    cluster: given.cluster,
    registry: { host, port },
    timeout: timeoutOf(given.timeout),
  })
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}

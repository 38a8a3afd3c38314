/**
 * What a client needs from outside: connect.ts lends it the real things, the tests lend simulated
 * ones.
 */

import type { ClusterSettings } from '../runtime/options.js'
import type { Codec } from '../store/machine.js'
import type { Endpoint, EndpointSettings, QueueAddress } from '../transport/endpoint.js'

/** A replica as the registry knows it. */
export interface Member {
  replica: number
  incarnation: number
  /** One a worker. */
  clients: readonly QueueAddress[]
  settings: ClusterSettings
}

/** The cluster's entries in the registry. */
export interface Directory {
  /** Every replica that is registered and readable. Rejects with the registry's ZabkvError. */
  read(): Promise<Member[]>
  close(): void
}

export interface ClientWorld {
  readonly directory: Directory
  openEndpoint(settings: EndpointSettings): Endpoint
  openCodec(slab: ArrayBuffer, datagramBytes: number): Codec
  /** The own address that routes to `remote`. */
  ownAddress(remote: string): Promise<string>
  /** Monotonic milliseconds, with fractions. */
  millis(): number
  /** A random u32. */
  random(): number
  /** Calls back once; returns the cancellation. */
  setTimer(callback: () => void, millis: number): () => void
}

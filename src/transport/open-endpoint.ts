/**
 * Opens an endpoint, and chooses what carries it.
 */

import { ZabkvError } from '../errors.js'
import { type RdmaPort, transportAddon } from './addon.js'
import type { Endpoint, EndpointSettings } from './endpoint.js'
import { refuseArgument, textArgument } from './endpoint-settings.js'
import { openNativeEndpoint } from './native-endpoint.js'
import { withNativeErrors } from './native-error.js'

export type ProviderWanted = 'auto' | 'udp' | 'verbs'

export interface ProviderChoice {
  provider: 'udp' | 'verbs'
  /** One sentence for the log and for `zabkv doctor`. */
  why: string
}

/** Throws ZabkvError: BAD_ARGUMENT, NOT_MY_ADDRESS, ADDRESS_IN_USE, NO_DEVICE, DEVICE, ADDON_MISSING. */
export function openEndpoint(settings: EndpointSettings): Endpoint {
  return openNativeEndpoint(settings)
}

function usable(port: RdmaPort, device: string | undefined): boolean {
  return port.state === 'ACTIVE' && (device === undefined || port.device === device)
}

function noDevice(built: boolean, device: string | undefined): string {
  if (!built) return 'the addon was built without verbs (install libibverbs-dev and librdmacm-dev, build again)'
  if (device !== undefined) return `no active port on an RDMA device named ${device} (see 'ibv_devinfo')`
  return 'no RDMA device with an active port'
}

/** 'verbs' throws NO_DEVICE when there is nothing to carry it; 'auto' falls back to UDP. */
export function chooseProvider(wanted: ProviderWanted, device?: string): ProviderChoice {
  if (wanted === 'udp') return { provider: 'udp', why: 'UDP, as asked for' }
  if (wanted !== 'auto' && wanted !== 'verbs') refuseArgument("the provider is 'auto', 'udp' or 'verbs'")
  if (device !== undefined) textArgument(device, 'device')
  const addon = transportAddon()
  const port = addon.rdmaPorts().find((each) => usable(each, device))
  if (port !== undefined) {
    return { provider: 'verbs', why: `verbs, on ${port.device} port ${port.port} (${port.linkLayer})` }
  }
  const reason = noDevice(addon.verbsBuilt, device)
  if (wanted === 'verbs') throw new ZabkvError('NO_DEVICE', `verbs was asked for, but there is ${reason}`)
  return { provider: 'udp', why: `UDP, because there is ${reason}` }
}

/** Largest datagram that leaves this address in one piece: a multiple of 64, at most DATAGRAM_BYTES_MAX. */
export function pathDatagramBytes(address: string, provider: 'udp' | 'verbs' = 'udp', device = ''): number {
  textArgument(address, 'address')
  return withNativeErrors(() => transportAddon().datagramBytes(provider, address, device))
}

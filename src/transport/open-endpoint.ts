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

/**
 * Throws ZabkvError: BAD_ARGUMENT, NOT_MY_ADDRESS, ADDRESS_IN_USE, NO_DEVICE, DEVICE,
 * ADDON_MISSING.
 */
export function openEndpoint(settings: EndpointSettings): Endpoint {
  return openNativeEndpoint(settings)
}

function usable(port: RdmaPort, device: string | undefined): boolean {
  return port.state === 'ACTIVE' && (device === undefined || port.device === device)
}

function noDevice(built: boolean, device: string | undefined): string {
  const headers = 'install libibverbs-dev and librdmacm-dev, build again'
  if (!built) return `there are no verbs in this build (${headers})`
  if (device === undefined) return 'there is no RDMA device with an active port'
  return `there is no active port on an RDMA device named ${device} (see 'ibv_devinfo')`
}

/** Why verbs cannot carry this address; null when they can. */
function notCarried(address: string, device: string): string | null {
  try {
    withNativeErrors(() => transportAddon().datagramBytes('verbs', address, device))
    return null
  } catch (thrown) {
    if (thrown instanceof ZabkvError && thrown.code === 'NO_DEVICE') return thrown.message
    throw thrown
  }
}

/**
 * 'verbs' throws NO_DEVICE when there is nothing to carry it; 'auto' falls back to UDP. With an
 * address, the device must stand under that address.
 */
export function chooseProvider(
  wanted: ProviderWanted,
  device?: string,
  address?: string,
): ProviderChoice {
  if (wanted === 'udp') return { provider: 'udp', why: 'UDP, as asked for' }
  if (wanted !== 'auto' && wanted !== 'verbs') {
    refuseArgument("the provider is 'auto', 'udp' or 'verbs'")
  }
  if (device !== undefined) textArgument(device, 'device')
  const addon = transportAddon()
  const port = addon.rdmaPorts().find((each) => usable(each, device))
  let reason = port === undefined ? noDevice(addon.verbsBuilt, device) : null
  if (reason === null && address !== undefined) reason = notCarried(address, device ?? '')
  if (port !== undefined && reason === null) {
    const why = `verbs, on ${port.device} port ${port.port} (${port.linkLayer})`
    return { provider: 'verbs', why }
  }
  if (wanted === 'verbs') throw new ZabkvError('NO_DEVICE', `verbs cannot be used: ${reason}`)
  return { provider: 'udp', why: `UDP, because ${reason}` }
}

/**
 * Largest datagram that leaves this address in one piece: a multiple of 64, at most
 * DATAGRAM_BYTES_MAX.
 */
export function pathDatagramBytes(
  address: string,
  provider: 'udp' | 'verbs' = 'udp',
  device = '',
): number {
  textArgument(address, 'address')
  return withNativeErrors(() => transportAddon().datagramBytes(provider, address, device))
}

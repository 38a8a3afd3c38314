/**
 * HOST:PORT as users write it: `10.0.0.1:11911`, `registry.local`, `[fe80::1]:11911`.
 */
import { isIPv6 } from 'node:net'
import { ZabkvError } from '../errors.js'

/**
 * Not 11211: a production memcached on its usual port is not disturbed by a cluster's flushes and
 * keys.
 */
export const REGISTRY_PORT_DEFAULT = 11911

export interface HostPort {
  host: string
  port: number
}

const HOST_NAME = /^[A-Za-z0-9._%-]{1,253}$/

/** `portDefault` null: the port must be written. */
export function parseHostPort(
  text: string,
  portDefault: number | null = REGISTRY_PORT_DEFAULT,
): HostPort {
  const bracketed = /^\[([^\]]*)\](.*)$/.exec(text)
  if (bracketed !== null) {
    const host = bracketed[1] ?? ''
    if (!isIPv6(host)) throw refused(text, `"${host}" in brackets is not an IPv6 address`)
    return { host, port: parsePort(text, bracketed[2] ?? '', portDefault) }
  }
  if (isIPv6(text)) throw refused(text, `write an IPv6 address in brackets, as in [${text}]:PORT`)
  const colon = text.indexOf(':')
  const host = colon === -1 ? text : text.slice(0, colon)
  if (!HOST_NAME.test(host)) throw refused(text, 'the host is missing or has odd characters')
  return { host, port: parsePort(text, colon === -1 ? '' : text.slice(colon), portDefault) }
}

function parsePort(text: string, tail: string, portDefault: number | null): number {
  if (tail === '') {
    if (portDefault === null) throw refused(text, 'the port is missing')
    return portDefault
  }
  const digits = /^:([0-9]{1,5})$/.exec(tail)?.[1]
  const port = digits === undefined ? 0 : Number(digits)
  if (port < 1 || port > 65535) throw refused(text, 'the port must be a number from 1 to 65535')
  return port
}

function refused(text: string, why: string): ZabkvError {
  return new ZabkvError('BAD_ARGUMENT', `"${text}" is not HOST:PORT: ${why}.`)
}

/** The inverse of parseHostPort, for messages. */
export function formatHostPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

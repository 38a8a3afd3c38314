/**
 * Checks what a caller says about an endpoint before the addon sees it, and copies it into plain
 * objects.
 */

import { ZabkvError } from '../errors.js'
import { DATAGRAM_ALIGN, DATAGRAM_BYTES_MAX } from '../zab/limits.js'
import type { NativeSettings } from './addon.js'
import type { EndpointSettings, QueueAddress, QueueSettings } from './endpoint.js'

const U32_MAX = 0xffffffff
const QP_NUMBER_MAX = 0xffffff
const PORT_MAX = 65535
const LID_MAX = 0xffff
const GID_INDEX_MAX = 255
const QUEUES_MAX = 8
const SLOTS_MAX = 1 << 20
const SOCKET_BYTES_MAX = 2 ** 30
const GROUPS_MAX = 64

export function refuseArgument(sentence: string): never {
  throw new ZabkvError('BAD_ARGUMENT', sentence)
}

/** What a caller without types may hand in. */
type Loose<T> = { readonly [K in keyof T]?: unknown }

function loose<T>(value: T, name: string): Loose<T> {
  if (typeof value !== 'object' || value === null) refuseArgument(`${name} is an object`)
  return value
}

export function integerArgument(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    refuseArgument(`${name} is an integer from ${min} to ${max}`)
  }
  return value
}

export function textArgument(value: unknown, name: string): string {
  if (typeof value !== 'string') refuseArgument(`${name} is a string`)
  return value
}

function ratio(value: unknown, name: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1))
    refuseArgument(`${name} is a number from 0 to 1`)
  return value
}

function provider(value: unknown): 'udp' | 'verbs' {
  if (value !== 'udp' && value !== 'verbs') refuseArgument("provider is 'udp' or 'verbs'")
  return value
}

function groups(value: unknown): string[] {
  if (!Array.isArray(value) || value.length > GROUPS_MAX) {
    refuseArgument(`groups is an array of at most ${GROUPS_MAX} addresses`)
  }
  return value.map((group: unknown) => textArgument(group, 'a group'))
}

function checkedQueue(given: QueueSettings): QueueSettings {
  const queue = loose(given, "a queue's settings")
  const checked: QueueSettings = {
    port: integerArgument(queue.port, 'port', 0, PORT_MAX),
    rxSlots: integerArgument(queue.rxSlots, 'rxSlots', 1, SLOTS_MAX),
    socketBytes: integerArgument(queue.socketBytes, 'socketBytes', 0, SOCKET_BYTES_MAX),
  }
  if (given.multicast !== undefined) {
    const multicast = loose(given.multicast, 'multicast')
    checked.multicast = {
      port: integerArgument(multicast.port, 'multicast.port', 1, PORT_MAX),
      groups: groups(multicast.groups),
    }
  }
  return checked
}

export function checkedSettings(given: EndpointSettings): NativeSettings {
  const settings = loose(given, "an endpoint's settings")
  if (
    !Array.isArray(settings.queues) ||
    settings.queues.length < 1 ||
    settings.queues.length > QUEUES_MAX
  ) {
    refuseArgument(`queues is an array of 1 to ${QUEUES_MAX} queues`)
  }
  const checked: NativeSettings = {
    provider: provider(settings.provider),
    address: textArgument(settings.address, 'address'),
    queues: given.queues.map(checkedQueue),
    datagramBytes: integerArgument(
      settings.datagramBytes,
      'datagramBytes',
      DATAGRAM_ALIGN,
      DATAGRAM_BYTES_MAX,
    ),
    cluster: integerArgument(settings.cluster, 'cluster', 0, U32_MAX),
    txSlots: integerArgument(settings.txSlots, 'txSlots', 0, SLOTS_MAX),
    txRows: integerArgument(settings.txRows, 'txRows', 1, SLOTS_MAX),
    extraBytes: integerArgument(settings.extraBytes, 'extraBytes', 0, U32_MAX),
  }
  if (checked.datagramBytes % DATAGRAM_ALIGN !== 0)
    refuseArgument(`datagramBytes is a multiple of ${DATAGRAM_ALIGN}`)
  if (settings.device !== undefined) checked.device = textArgument(settings.device, 'device')
  if (settings.gidIndex !== undefined)
    checked.gidIndex = integerArgument(settings.gidIndex, 'gidIndex', 0, GID_INDEX_MAX)
  if (settings.dropRatio !== undefined) checked.dropRatio = ratio(settings.dropRatio, 'dropRatio')
  if (settings.dropSeed !== undefined)
    checked.dropSeed = integerArgument(settings.dropSeed, 'dropSeed', 0, U32_MAX)
  return checked
}

export function checkedAddress(given: QueueAddress): QueueAddress {
  const address = loose(given, "a queue's address")
  return {
    provider: provider(address.provider),
    address: textArgument(address.address, 'address'),
    port: integerArgument(address.port, 'port', 0, PORT_MAX),
    qpNumber: integerArgument(address.qpNumber, 'qpNumber', 0, QP_NUMBER_MAX),
    qkey: integerArgument(address.qkey, 'qkey', 0, U32_MAX),
    lid: integerArgument(address.lid, 'lid', 0, LID_MAX),
    gid: textArgument(address.gid, 'gid'),
    mtuBytes: integerArgument(address.mtuBytes, 'mtuBytes', 0, U32_MAX),
  }
}

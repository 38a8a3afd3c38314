/**
 * Loads the native addon, once a thread. Everything native comes through here; nothing is loaded
 * before it is used.
 */

import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { ZabkvError } from '../errors.js'
import type { Endpoint, QueueAddress, QueueSettings } from './endpoint.js'

/** Settings as the addon takes them: plain, every property checked. */
export interface NativeSettings {
  provider: string
  address: string
  device?: string
  gidIndex?: number
  queues: QueueSettings[]
  datagramBytes: number
  cluster: number
  txSlots: number
  txRows: number
  extraBytes: number
  dropRatio?: number
  dropSeed?: number
}

/** The addon's endpoint. Calls of the data path return a count, or a negative number for misuse. */
export interface NativeEndpoint {
  readonly slab: ArrayBuffer
  readonly counters: ArrayBuffer
  readonly txOffset: number
  readonly extraOffset: number
  readonly txRowsOffset: number
  readonly rxRowsOffsets: readonly number[]
  readonly rxBytes: readonly number[]
  readonly inlineBytesMax: number
  readonly hugepages: boolean
  rxBurst(queue: number): number
  postReceives(queue: number): number
  txBurst(queue: number, count: number): number
  flush(): number
  wait(micros: number): number
  setSpin(micros: number): void
  local(queue: number): QueueAddress
  addDestination(address: QueueAddress): number
  adoptSource(queue: number, row: number): number
  removeDestination(destination: number): boolean
  addGroup(group: string, port: number): number
  beat(...beat: Parameters<Endpoint['beat']>): number
  wakeHandle(): number
  waitBeside(descriptor: number): void
  watch(callback: () => void): void
  unwatch(): void
  close(): void
}

/** Who signals an endpoint's wake handle. */
export interface NativeWaker {
  signal(): number
  close(): void
}

export interface RdmaPort {
  device: string
  port: number
  state: string
  linkLayer: string
  mtuBytes: number
  lid: number
  qpsMax: number
  interface: string
  gids: readonly { index: number; gid: string; type: string }[]
}

export interface UdpAbilities {
  segmentation: boolean
  coalescing: boolean
  receiveBytes: number
  sendBytes: number
  privileged: boolean
}

/** The part of the addon that is the transport's. */
export interface TransportAddon {
  readonly Endpoint: new (settings: NativeSettings) => NativeEndpoint
  openWaker(handle: number): NativeWaker
  readonly verbsBuilt: boolean
  endpointCounterNames(): readonly string[]
  datagramBytes(provider: string, address: string, device: string): number
  multicastEcho(address: string, group: string, patienceMillis: number): number
  udpAbilities(wantedBytes: number): UdpAbilities
  rdmaPorts(): readonly RdmaPort[]
}

let loaded: unknown

/** The folder of zabkv's own package.json, from wherever this file was compiled to. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const description = join(folder, 'package.json')
    if (existsSync(description) && readFileSync(description, 'utf8').includes('"name": "zabkv"'))
      return folder
    const above = dirname(folder)
    if (above === folder)
      throw new ZabkvError('ADDON_MISSING', 'no package.json of zabkv above its own code')
    folder = above
  }
}

/** The addon's exports. Each room declares the part that it uses. */
export function loadAddon(): unknown {
  if (loaded !== undefined) return loaded
  const path = join(packageRoot(), 'build', 'Release', 'zabkv.node')
  if (!existsSync(path)) {
    throw new ZabkvError(
      'ADDON_MISSING',
      `the native addon is not built: run 'npm run build:native' (no ${path})`,
    )
  }
  try {
    loaded = createRequire(import.meta.url)(path) as unknown
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    const advice = `the native addon does not load: run 'npm run build:native' here (${said})`
    throw new ZabkvError('ADDON_MISSING', advice, { cause })
  }
  return loaded
}

export function transportAddon(): TransportAddon {
  return loadAddon() as TransportAddon
}

/**
 * The native endpoint behind the contract of endpoint.ts, for both providers.
 *
 * The data path is one native call each; what it reports as misuse (a negative number) is an
 * assertion here: a queue that does not exist, slots still lent, a row outside the slab, a closed
 * endpoint.
 */

import { assert } from '../assert.js'
import { ZabkvError } from '../errors.js'
import { type NativeEndpoint, type NativeSettings, transportAddon } from './addon.js'
import {
  type Endpoint,
  ENDPOINT_COUNTERS,
  type EndpointSettings,
  type QueueAddress,
  RX_ROW,
  TX_ROW,
} from './endpoint.js'
import {
  checkedAddress,
  checkedSettings,
  integerArgument,
  refuseArgument,
  textArgument,
} from './endpoint-settings.js'
import { withNativeErrors } from './native-error.js'

const MISUSE_LENT = -2
const MISUSE_ROW = -3
const MISUSE_CLOSED = -4
const MISUSE_DEPTH = -5
const MISUSE_BEAT = -6
const U32_MAX = 0xffffffff
const PORT_MAX = 65535

/** Turns a native count that says "misuse" into the assertion that names it. */
function checked(result: number): number {
  if (result >= 0) return result
  assert(result !== MISUSE_CLOSED, 'endpoint: used only while it is open')
  assert(result !== MISUSE_LENT, 'rxBurst: the slots of the last burst were given back')
  assert(result !== MISUSE_ROW, 'txBurst: rows are whole datagrams inside the slab')
  assert(result !== MISUSE_DEPTH, 'txBurst: no more sends are under way than the device was told')
  assert(result !== MISUSE_BEAT, 'beat: a datagram in the slab with room for its age, places, a period')
  assert(false, 'endpoint: the queue exists')
}

class NativeBackedEndpoint implements Endpoint {
  readonly slab: ArrayBuffer
  readonly txOffset: number
  readonly extraOffset: number
  readonly txRows: Uint32Array
  readonly rxRows: readonly Uint32Array[]
  readonly rxBytes: readonly number[]
  readonly inlineBytesMax: number
  readonly counters: Float64Array
  readonly #native: NativeEndpoint
  #open = true

  constructor(native: NativeEndpoint, settings: NativeSettings) {
    const slab = native.slab
    this.#native = native
    this.slab = slab
    this.txOffset = native.txOffset
    this.extraOffset = native.extraOffset
    this.txRows = new Uint32Array(slab, native.txRowsOffset, settings.txRows * TX_ROW.WORDS)
    this.rxRows = native.rxRowsOffsets.map((offset, queue) => {
      return new Uint32Array(slab, offset, (settings.queues[queue]?.rxSlots ?? 0) * RX_ROW.WORDS)
    })
    this.rxBytes = Object.freeze([...native.rxBytes])
    this.inlineBytesMax = native.inlineBytesMax
    this.counters = new Float64Array(native.counters, 0, ENDPOINT_COUNTERS.length)
  }

  rxBurst(queue: number): number {
    return checked(this.#native.rxBurst(queue))
  }

  postReceives(queue: number): void {
    checked(this.#native.postReceives(queue))
  }

  txBurst(queue: number, count: number): number {
    return checked(this.#native.txBurst(queue, count))
  }

  flush(): void {
    checked(this.#native.flush())
  }

  wait(micros: number): number {
    return checked(this.#native.wait(micros))
  }

  setSpin(micros: number): void {
    this.#native.setSpin(micros)
  }

  local(queue: number): QueueAddress {
    this.#mustBeOpen()
    return withNativeErrors(() => this.#native.local(queue))
  }

  addDestination(address: QueueAddress): number {
    this.#mustBeOpen()
    const plain = checkedAddress(address)
    return withNativeErrors(() => this.#native.addDestination(plain))
  }

  adoptSource(queue: number, row: number): number {
    this.#mustBeOpen()
    return withNativeErrors(() => this.#native.adoptSource(queue, row))
  }

  removeDestination(destination: number): void {
    this.#mustBeOpen()
    integerArgument(destination, 'destination', 0, U32_MAX)
    if (!this.#native.removeDestination(destination))
      refuseArgument('there is no such destination, or no more')
  }

  addGroup(group: string, port: number): number {
    this.#mustBeOpen()
    textArgument(group, 'group')
    integerArgument(port, 'port', 1, PORT_MAX)
    return withNativeErrors(() => this.#native.addGroup(group, port))
  }

  beat(...beat: Parameters<Endpoint['beat']>): void {
    checked(withNativeErrors(() => this.#native.beat(...beat)))
  }

  wakeHandle(): number {
    this.#mustBeOpen()
    return withNativeErrors(() => this.#native.wakeHandle())
  }

  waitBeside(descriptor: number): void {
    this.#mustBeOpen()
    integerArgument(descriptor, 'descriptor', 0, U32_MAX)
    this.#native.waitBeside(descriptor)
  }

  watch(callback: () => void): void {
    this.#mustBeOpen()
    withNativeErrors(() => this.#native.watch(callback))
  }

  unwatch(): void {
    this.#native.unwatch()
  }

  close(): void {
    this.#open = false
    this.#native.close()
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new ZabkvError('CLOSED', 'the endpoint is closed')
  }
}

export function openNativeEndpoint(settings: EndpointSettings): Endpoint {
  const plain = checkedSettings(settings)
  const addon = transportAddon()
  const native = withNativeErrors(() => new addon.Endpoint(plain))
  return new NativeBackedEndpoint(native, plain)
}

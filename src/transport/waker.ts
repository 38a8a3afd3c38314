/** Ends the wait of an endpoint from another thread of the process. */

import { type NativeWaker, transportAddon } from './addon.js'
import { integerArgument } from './endpoint-settings.js'
import { withNativeErrors } from './native-error.js'

const HANDLE_MAX = 0x7fff_ffff

export interface Waker {
  /** One system call. Signals add up to one until the endpoint waits. */
  signal(): void
  /** Idempotent. */
  close(): void
}

/** `handle`: wakeHandle() of an endpoint that is open now. The waker stays valid when that is closed. */
export function openWaker(handle: number): Waker {
  integerArgument(handle, 'handle', 0, HANDLE_MAX)
  const native: NativeWaker = withNativeErrors(() => transportAddon().openWaker(handle))
  let isOpen = true
  return {
    signal: () => {
      if (isOpen) native.signal()
    },
    close: () => {
      isOpen = false
      native.close()
    },
  }
}

/** The limit program: what this machine can do with zabkv's datagrams and store, without a protocol (bench/limit/). */

import { runNative, type Subject } from '../subject.js'

/** As zabkv's own load has (peers/zabkv.ts). */
const OUTSTANDING = 16_384
const WARM_UP_SECONDS = 0.5

export const limit: Subject = {
  name: 'limit',
  about: 'Datagrams, sockets and store as zabkv has them, three replicas and a client, without a protocol',
  missing: () => [],
  measure: async ({ sandbox, seconds, say, keep }) => {
    for (const [point, load, outstanding] of [
      ['write-ratio=0', 'reads', OUTSTANDING],
      ['write-ratio=1', 'writes', OUTSTANDING],
      ['one-write', 'writes', 1],
      ['one-read', 'reads', 1],
    ] as const) {
      say(point)
      const words = { load, outstanding, seconds, 'warm-up': WARM_UP_SECONDS }
      keep(point, { ...(await runNative(sandbox, 'limit', words)) })
    }
  },
}

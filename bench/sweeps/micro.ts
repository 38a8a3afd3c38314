/** The store by itself, beside std::unordered_map and JavaScript's Map: nanoseconds of an operation. */

import { fileURLToPath } from 'node:url'
import { programOf, type Subject } from '../subject.js'

const JS_MAP = fileURLToPath(new URL('./js-map.js', import.meta.url))
const KEYS = [1_000_000, 10_000_000]
/** Ten million arrays are too many for Node's default heap, and for patience: what it says is said by one million. */
const JS_KEYS_MAX = 1_000_000
const MILLIS_MAX = 180_000

export const micro: Subject = {
  name: 'micro',
  about: "the store by itself, beside std::unordered_map and JavaScript's Map: nanoseconds of an operation",
  missing: () => [],
  measure: async ({ sandbox, quick, say, keep }) => {
    for (const keys of quick ? KEYS.slice(0, 1) : KEYS) {
      say(`${keys} keys`)
      const words = ['--keys', String(keys)]
      const native = JSON.parse(await sandbox.run('store', programOf('store'), words, MILLIS_MAX)) as object
      const isShown = keys <= JS_KEYS_MAX && !quick
      const other = isShown ? await sandbox.run('js-map', process.execPath, [JS_MAP, String(keys)], MILLIS_MAX) : '{}'
      keep(`keys=${keys}`, { ...native, ...(JSON.parse(other) as object) })
    }
  },
}

/**
 * What a whole run has proposed, committed and established, over all replicas and their lives, and the properties of
 * the Zab paper (and of the specification that goes with ZooKeeper) that must hold of it at any time.
 */

export type Property =
  | 'Integrity' //          what is committed was proposed
  | 'Agreement' //          replicas that applied equally much have equal stores
  | 'TotalOrder' //         a replica applies what is committed, one after the other
  | 'LocalPrimaryOrder' //  of one epoch everything is committed from its first proposal on, in the order proposed
  | 'GlobalPrimaryOrder' // what an earlier epoch proposed comes before what a later one did
  | 'PrimaryIntegrity' //   a leader has what former epochs committed before it proposes
  | 'PrefixConsistency' //  of two committed histories one is a prefix of the other
  | 'Leadership1' //        an epoch has one leader whose followers synchronize
  | 'Leadership2' //        an epoch has one established leader
  | 'QuorumHeld' //         what a leader commits a quorum holds, or held when it crashed
  | 'Recovery' //           what is committed is not taken back

export class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation'
  constructor(property: Property, what: string) {
    super(`${property}: ${what}`)
  }
}

export interface Entry {
  counter: number //    of its first operation
  operations: number
  epoch: number //      in which it was proposed
  previous: number //   epoch of the entry before
  hash: number
}

interface Led {
  leader: string
  /** Last counter of the history that the epoch began with; -1: not established. */
  base: number
  /** Counter of the first proposal; 0: none yet. */
  first: number
}

export interface Ledger {
  readonly members: number
  /** By counter: proposals of different epochs may have had the same. */
  readonly proposed: Map<number, Entry[]>
  readonly committed: Map<number, Entry>
  /** Last counter committed anywhere. */
  last: number
  /** By the last counter of an entry: the entry's epoch. */
  readonly ends: Map<number, number>
  /** By epoch: last counter committed of it. */
  readonly lastOfEpoch: Map<number, number>
  readonly led: Map<number, Led>
  /** By counter: the store's digest when everything up to it was applied. */
  readonly digests: Map<number, string>
  operations: number
}

export function createLedger(members: number): Ledger {
  return {
    members,
    proposed: new Map(),
    committed: new Map(),
    last: 0,
    ends: new Map([[0, 0]]),
    lastOfEpoch: new Map(),
    led: new Map(),
    digests: new Map(),
    operations: 0,
  }
}

/** A leader begins to synchronize its followers. */
export function noteSynchronizing(ledger: Ledger, epoch: number, leader: string): void {
  const led = ledger.led.get(epoch)
  if (led === undefined) {
    ledger.led.set(epoch, { leader, base: -1, first: 0 })
  } else if (led.leader !== leader) {
    throw new SafetyViolation('Leadership1', `epoch ${epoch} has the leaders ${led.leader} and ${leader}`)
  }
}

/** A leader is established, with a history up to `base`. */
export function noteEstablished(ledger: Ledger, epoch: number, leader: string, base: number): void {
  noteSynchronizing(ledger, epoch, leader)
  const led = ledger.led.get(epoch)
  if (led === undefined) return
  if (led.leader !== leader || (led.base >= 0 && led.base !== base)) {
    throw new SafetyViolation('Leadership2', `epoch ${epoch} was established by ${led.leader} and by ${leader}`)
  }
  led.base = base
  for (const [earlier, last] of ledger.lastOfEpoch) {
    if (earlier >= epoch || last <= base) continue
    const what = `${leader} leads epoch ${epoch} from ${base} on, but (${earlier},${last}) was committed`
    throw new SafetyViolation('PrimaryIntegrity', what)
  }
}

export function noteProposed(ledger: Ledger, entry: Entry): void {
  const led = ledger.led.get(entry.epoch)
  if (led === undefined) throw new SafetyViolation('Leadership2', `epoch ${entry.epoch} proposes, but nobody leads it`)
  if (led.first === 0) led.first = entry.counter
  const same = ledger.proposed.get(entry.counter)
  if (same === undefined) ledger.proposed.set(entry.counter, [entry])
  else same.push(entry)
}

/** A replica has committed this entry, having committed all before it; `before` is the epoch of the last of those. */
export function noteCommitted(ledger: Ledger, who: string, entry: Entry, before: number): void {
  const { counter, operations, epoch } = entry
  const known = ledger.committed.get(counter)
  if (known !== undefined) {
    if (known.operations === operations && known.epoch === epoch && known.hash === entry.hash) return
    const others = `(${known.epoch},${counter}) of ${known.operations} operations`
    const own = `(${epoch},${counter}) of ${operations}`
    throw new SafetyViolation('PrefixConsistency', `${who} committed ${own}, another replica ${others}`)
  }
  if (counter !== ledger.last + 1) {
    throw new SafetyViolation('PrefixConsistency', `${who} committed ${counter} inside of another's entry`)
  }
  if (!(ledger.proposed.get(counter) ?? []).some((each) => each.epoch === epoch && each.hash === entry.hash)) {
    throw new SafetyViolation('Integrity', `${who} committed (${epoch},${counter}), which nobody proposed`)
  }
  if (epoch < before) {
    throw new SafetyViolation('GlobalPrimaryOrder', `${who} committed (${epoch},${counter}) after epoch ${before}`)
  }
  if (entry.previous !== before || (epoch > before && ledger.led.get(epoch)?.first !== counter)) {
    const what = `${who} committed (${epoch},${counter}) after epoch ${before}, and not what was proposed before it`
    throw new SafetyViolation('LocalPrimaryOrder', what)
  }
  for (const [later, { base, leader }] of ledger.led) {
    if (later <= epoch || base < 0 || counter + operations - 1 <= base) continue
    const what = `${who} committed (${epoch},${counter}), but ${leader} leads epoch ${later} from ${base} on`
    throw new SafetyViolation('PrimaryIntegrity', what)
  }
  const last = counter + operations - 1
  ledger.committed.set(counter, entry)
  ledger.ends.set(last, epoch)
  ledger.lastOfEpoch.set(epoch, last)
  ledger.last = last
  ledger.operations += operations
}

/** A replica's history begins after `counter`, by a snapshot. */
export function noteBase(ledger: Ledger, who: string, counter: number, epoch: number): void {
  const known = ledger.ends.get(counter)
  if (known === epoch) return
  const what = `${who} begins with a snapshot of (${epoch},${counter}), and there the epoch is ${known ?? 'none'}`
  throw new SafetyViolation('PrefixConsistency', what)
}

/** A replica has applied everything up to `counter`. */
export function noteDigest(ledger: Ledger, who: string, counter: number, digest: string): void {
  const known = ledger.digests.get(counter)
  if (known === undefined) ledger.digests.set(counter, digest)
  else if (known !== digest) throw new SafetyViolation('Agreement', `${who} has another store at ${counter}`)
}

/** An operator gave up what was committed beyond `counter`. Nobody is left who knows of epochs after `epoch`. */
export function forkLedger(ledger: Ledger, counter: number, epoch: number): void {
  for (const later of ledger.led.keys()) if (later > epoch) ledger.led.delete(later)
  for (const [first, { operations }] of ledger.committed) {
    if (first + operations - 1 > counter) ledger.committed.delete(first)
  }
  for (const map of [ledger.ends, ledger.digests]) {
    for (const end of map.keys()) if (end > counter) map.delete(end)
  }
  ledger.lastOfEpoch.clear()
  for (const { counter: first, operations, epoch } of ledger.committed.values()) {
    ledger.lastOfEpoch.set(epoch, Math.max(ledger.lastOfEpoch.get(epoch) ?? 0, first + operations - 1))
  }
  // What epochs began with says nothing of the history that goes on.
  for (const led of ledger.led.values()) led.base = -1
  ledger.last = counter
}

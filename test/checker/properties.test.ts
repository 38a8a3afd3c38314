/** The history checker against histories from seeds: valid ones pass, and what is planted into them is reported. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { item } from '../../src/assert.js'
import { createPrng } from '../sim/prng.js'
import type { Prng } from '../sim/prng.js'
import { checkHistory } from './history.js'
import type { HistoryOperation, Violation } from './history.js'
import { isPossible, UNKNOWN_MAX } from './oracle.js'
import { PLANTERS } from './planted.js'
import { randomHistory } from './random-history.js'
import type { HistoryShape } from './random-history.js'

function drawShape(prng: Prng, operations: number): HistoryShape {
  return {
    operations,
    sessions: 1 + prng.below(6),
    keys: 1 + prng.below(5),
    replicas: 1 + prng.below(4),
    outstandingMax: 1 + prng.below(8),
    unknownRatio: prng.chance(0.3) ? 0 : prng.unit() * 0.2,
  }
}

test('checker: valid histories of random schedules have no violation', () => {
  const kinds = new Map<string, number>()
  for (let seed = 1; seed <= 400; seed++) {
    const prng = createPrng(seed)
    const { history, final } = randomHistory(prng, drawShape(prng, 20 + prng.below(400)))
    assert.deepEqual(checkHistory(history, { final }), [], `seed ${seed}`)
    for (const { kind, outcome = 'done', version } of history) {
      const name = `${kind} ${outcome}${outcome === 'done' && version === null ? ', not known' : ''}`
      kinds.set(name, (kinds.get(name) ?? 0) + 1)
    }
  }
  for (const kind of ['write', 'delete', 'read', 'sync']) {
    const outcomes = kind === 'sync' || kind === 'read' ? ['done'] : ['done', 'refused', 'failed', 'done, not known']
    for (const outcome of outcomes) assert.ok((kinds.get(`${kind} ${outcome}`) ?? 0) > 100, `${kind} ${outcome}`)
  }
})

for (const [rule, plant] of Object.entries(PLANTERS)) {
  test(`checker: planted into valid histories, it is reported: ${rule}`, () => {
    let planted = 0
    for (let seed = 1; seed <= 60; seed++) {
      const prng = createPrng(seed)
      const given = plant(prng, randomHistory(prng, drawShape(prng, 120)))
      if (given === null) continue
      planted++
      const rules = checkHistory(given.history, { final: given.final }).map((violation) => violation.rule)
      assert.ok(rules.includes(rule as Violation['rule']), `seed ${seed}: ${rules.join(' ')}`)
    }
    assert.ok(planted >= 20, `planted only ${planted} times`)
  })
}

/** One field of one operation becomes another; a valid history may stay valid. */
function mutate(prng: Prng, history: readonly HistoryOperation[]): HistoryOperation[] {
  const changed = history.map((each) => ({ ...each }))
  const victim = item(changed, prng.below(changed.length))
  const other = item(changed, prng.below(changed.length))
  const choice = prng.below(6)
  if (choice === 0 && victim.version !== null) victim.version = Math.max(1, victim.version + 1 - 2 * prng.below(2))
  else if (choice === 1 && victim.version !== null && other.version !== null) {
    ;[victim.version, other.version] = [other.version, victim.version]
  } else if (choice === 2 && victim.kind === 'read') {
    victim.value = other.value
    victim.version = other.value === null ? 0 : other.version
  } else if (choice === 3) {
    const shift = prng.below(30) - 15
    victim.start += shift
    victim.end += shift
  } else if (choice === 4 && (victim.kind === 'write' || victim.kind === 'delete')) {
    victim.condition = prng.chance(0.5) && victim.kind === 'write' ? 'absent' : 1 + prng.below(8)
  } else if (choice === 5) victim.session = other.session
  if (victim.version === 0 && victim.kind === 'read') victim.value = null
  return changed
}

const isUnknown = ({ kind, version, outcome }: HistoryOperation): boolean =>
  kind !== 'read' && version === null && outcome !== 'failed'

test('checker: of small histories with one thing changed, it says what trying everything says', () => {
  const counts = { possible: 0, impossible: 0, certain: 0, excused: 0 }
  for (let seed = 1; seed <= 6000; seed++) {
    const prng = createPrng(seed)
    const shape = { ...drawShape(prng, 4 + prng.below(7)), keys: 1 + prng.below(2), sessions: 1 + prng.below(3) }
    const history = mutate(prng, randomHistory(prng, shape).history)
    const unknown = history.filter(isUnknown).length
    const versions = history.filter(({ kind, version }) => kind !== 'read' && version === 0)
    if (unknown > UNKNOWN_MAX || versions.some(({ outcome }) => outcome === undefined)) continue
    const found = checkHistory(history)
    const told = `seed ${seed}: ${JSON.stringify(history)}`
    if (isPossible(history)) {
      counts.possible++
      assert.deepEqual(found, [], told)
      continue
    }
    counts.impossible++
    if (unknown === 0) {
      counts.certain++
      assert.notDeepEqual(found, [], told)
    } else if (found.length === 0) counts.excused++
  }
  assert.ok(counts.possible > 500 && counts.certain > 500, JSON.stringify(counts))
  // What several operations of unknown result can explain only one by one is let pass.
  assert.ok(counts.excused < counts.impossible / 50, JSON.stringify(counts))
})

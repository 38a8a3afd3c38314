/** Axes hold what is drawn on them, ticks are round, and a chart is a well-formed SVG. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { drawChart, spread, type Chart } from '../../../bench/plot/chart.js'
import { createScale, linearTicks, logTicks } from '../../../bench/plot/scale.js'

test('scale: linear ticks are round, and hold all values between them', () => {
  assert.deepEqual(linearTicks(0, 10), [0, 2, 4, 6, 8, 10])
  assert.deepEqual(linearTicks(-300, 1000), [-500, -250, 0, 250, 500, 750, 1000])
  for (const most of [1, 3, 7.3, 19, 123, 9_876_543]) {
    const ticks = linearTicks(0, most)
    assert.ok((ticks.at(-1) ?? 0) >= most && ticks.length >= 4 && ticks.length <= 8, `${most}: ${ticks.join(' ')}`)
  }
})

test('scale: a log axis has powers of ten, and 2 and 5 of them when it is short', () => {
  assert.deepEqual(logTicks(1000, 8_000_000).ticks, [1000, 10_000, 100_000, 1_000_000, 10_000_000])
  assert.deepEqual(logTicks(120, 900).ticks, [100, 200, 500, 1000])
  assert.ok(!logTicks(120, 900).minor.includes(200))
})

for (const kind of ['linear', 'log'] as const) {
  test(`scale: ${kind}: all values stand on the axis, in their order`, () => {
    const values = [3, 17, 450, 8123]
    const scale = createScale({ label: '', kind }, values, String)
    const places = values.map(scale.place)
    assert.deepEqual(places, [...places].sort((a, b) => a - b))
    assert.ok(places.every((place) => place >= -1e-9 && place <= 1 + 1e-9), places.join(' '))
  })
}

test('scale: one value, and none, still make an axis', () => {
  for (const kind of ['linear', 'log'] as const) {
    for (const values of [[], [5], [0]]) {
      const { ticks, place } = createScale({ label: '', kind }, values, String)
      assert.ok(ticks.length >= 2 && ticks.every(({ value }) => Number.isFinite(place(value))), `${kind} ${values}`)
    }
  }
})

test('chart: names that would overlap are moved apart, and stay inside', () => {
  const places = spread([100, 101, 102, 300], 60, 310)
  for (const [at, place] of places.entries()) assert.ok(at === 0 || place - (places[at - 1] ?? 0) >= 15)
  assert.ok((places[0] ?? 0) >= 60 && (places.at(-1) ?? 0) <= 310)
})

const CHART: Chart = {
  title: 'A < B & "C"',
  note: 'note',
  x: { label: 'offered, 1/s', kind: 'log' },
  y: { label: 'latency, us', kind: 'log' },
  series: [
    { name: 'p50 <', points: [{ x: 1000, y: 90 }, { x: 1e6, y: 4000 }] },
    { name: 'p99', points: [{ x: 1000, y: 400 }, { x: 1e6, y: 9000 }], isDashed: true },
    { name: 'empty', points: [] },
  ],
  event: { x: 5000, label: 'kill -9' },
}

test('chart: a well-formed SVG, with its labels, its lines and both backgrounds', () => {
  const svg = drawChart(CHART)
  assertWellFormed(svg)
  assert.equal(svg.match(/<polyline/g)?.length, 2, 'a line for each series that has points')
  assert.equal(svg.match(/<circle/g)?.length, 4)
  for (const text of ['A &lt; B &amp; &quot;C&quot;', 'offered, 1/s', 'latency, us', 'p50 &lt;', 'kill -9']) {
    assert.ok(svg.includes(`${text}</text>`), text)
  }
  assert.ok(svg.includes('prefers-color-scheme:dark'))
  assert.ok(!/NaN|undefined|Infinity/.test(svg))
})

test('chart: that check finds what is not well-formed', () => {
  assert.throws(() => assertWellFormed('<svg><g></svg>'))
  assert.throws(() => assertWellFormed('<svg><text>a < b</text></svg>'))
})

/** Every element is closed in its order, attributes are quoted, and no bare < or & is in a text. */
function assertWellFormed(svg: string): void {
  const open: string[] = []
  const element = /<(\/?)([a-z]+)(?:\s+[\w:-]+="[^"<]*")*\s*(\/?)>/gi
  const rest = svg.replace(element, (_all, closes, name, self) => {
    if (closes === '/') assert.equal(open.pop(), name, `</${name}> closes what is open`)
    else if (self !== '/') open.push(name)
    return ''
  })
  assert.deepEqual(open, [])
  assert.ok(!rest.includes('<') && !/&(?!(amp|lt|gt|quot);)/.test(rest), 'no bare < or &')
}

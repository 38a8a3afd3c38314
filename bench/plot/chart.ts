/**
 * A chart of lines as SVG: axes with units, marks at what was measured, each line named at its end. Pure.
 *
 * Colours are in a style of its own, for light and for dark, so that the file reads by itself and inside a page.
 */

import type { Place } from '../samples.js'
import { tickLabel } from '../text.js'
import { createScale, type Axis, type Scale } from './scale.js'

export interface Series {
  readonly name: string
  readonly points: readonly Place[]
  readonly isDashed?: boolean
  /** Drawn without marks: a time line. */
  readonly isTimeLine?: boolean
  /** Drawn without a line: nothing was measured between the points. */
  readonly isMarksOnly?: boolean
}

export interface Chart {
  readonly title: string
  readonly note: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
  /** A vertical line with a word. */
  readonly event?: { readonly x: number; readonly label: string }
}

export const WIDTH = 760
export const HEIGHT = 430
const LEFT = 74
const RIGHT_NAMES = 168
const RIGHT_ALONE = 28
const TOP = 62
const BOTTOM = 56
const LABEL_GAP = 15
const MARK_RADIUS = 3.2

/** Told apart by people who do not see all colours, and against both backgrounds: light, dark. */
const COLOURS: readonly (readonly [light: string, dark: string])[] = [
  ['#0b62c4', '#6cb0ff'],
  ['#c2410c', '#ff9d5c'],
  ['#15803d', '#5fd38d'],
  ['#9333b8', '#d79bff'],
  ['#a16207', '#e5c04b'],
  ['#0f7c86', '#4fd0dc'],
  ['#be185d', '#ff8fbf'],
  ['#5b6470', '#b3bcc8'],
  ['#7f1d1d', '#f28b82'],
  ['#3f6212', '#b5d66a'],
  ['#312e81', '#a5a8ff'],
]

function styleOf(count: number, dark: boolean): string {
  const [background, ink, faint, grid] = dark
    ? ['#14171c', '#e8eaed', '#a3abb5', '#2c323b']
    : ['#ffffff', '#1b1f24', '#59636e', '#e3e7ec']
  const lines = Array.from({ length: count }, (_, index) => {
    const colour = COLOURS[index % COLOURS.length]?.[dark ? 1 : 0] ?? ink
    return `.s${index}{stroke:${colour}}.f${index}{fill:${colour}}`
  })
  return `.bg{fill:${background}}.ink{fill:${ink}}.faint{fill:${faint}}.grid{stroke:${grid}}.axis{stroke:${faint}}`
    .concat(lines.join(''))
}

/** `theme` for where no style sheet is heard; else both are in it, and the reader's wish decides. */
export function drawChart(chart: Chart, theme: 'light' | 'dark' | 'both' = 'both'): string {
  const series = chart.series.filter(({ points }) => points.length > 0)
  const all = series.flatMap(({ points }) => points)
  const events = chart.event === undefined ? [] : [chart.event.x]
  const x = createScale(chart.x, [...all.map((point) => point.x), ...events], tickLabel)
  const y = createScale(chart.y, all.map((point) => point.y), tickLabel)
  // A line alone needs no name: its axis says what it is.
  const right = WIDTH - (series.length < 2 ? RIGHT_ALONE : RIGHT_NAMES)
  const style = theme === 'both'
    ? `${styleOf(series.length, false)}@media (prefers-color-scheme:dark){${styleOf(series.length, true)}}`
    : styleOf(series.length, theme === 'dark')
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"`,
    ` role="img" aria-label="${escape(chart.title)}"`,
    ` font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12">`,
    `<style>${style}</style>`,
    `<rect class="bg" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="ink" x="${LEFT}" y="24" font-size="15" font-weight="600">${escape(chart.title)}</text>`,
    `<text class="faint" x="${LEFT}" y="43">${escape(chart.note)}</text>`,
    drawGrid(chart, x, y, right),
    chart.event === undefined ? '' : drawEvent(chart.event, x, right),
    ...series.map((each, index) => drawSeries(each, index, x, y, right)),
    drawNames(series, x, y, right),
    '</svg>',
  ].join('\n')
}

function atX(scale: Scale, value: number, right: number): number {
  return round(LEFT + scale.place(value) * (right - LEFT))
}

function atY(scale: Scale, value: number): number {
  return round(HEIGHT - BOTTOM - scale.place(value) * (HEIGHT - TOP - BOTTOM))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function drawGrid(chart: Chart, x: Scale, y: Scale, right: number): string {
  const bottom = HEIGHT - BOTTOM
  const parts: string[] = []
  for (const { value, label } of y.ticks) {
    const at = atY(y, value)
    parts.push(`<line class="grid" x1="${LEFT}" x2="${right}" y1="${at}" y2="${at}"/>`)
    parts.push(`<text class="faint" x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${escape(label)}</text>`)
  }
  for (const value of y.minor) {
    const at = atY(y, value)
    parts.push(`<line class="axis" x1="${LEFT - 3}" x2="${LEFT}" y1="${at}" y2="${at}"/>`)
  }
  for (const { value, label } of x.ticks) {
    const at = atX(x, value, right)
    parts.push(`<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 5}"/>`)
    parts.push(`<text class="faint" x="${at}" y="${bottom + 19}" text-anchor="middle">${escape(label)}</text>`)
  }
  for (const value of x.minor) {
    const at = atX(x, value, right)
    parts.push(`<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 3}"/>`)
  }
  const middleX = (LEFT + right) / 2
  const turned = `translate(18 ${(TOP + bottom) / 2}) rotate(-90)`
  parts.push(
    `<line class="axis" x1="${LEFT}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`,
    `<text class="ink" x="${middleX}" y="${HEIGHT - 14}" text-anchor="middle">${escape(chart.x.label)}</text>`,
    `<text class="ink" transform="${turned}" text-anchor="middle">${escape(chart.y.label)}</text>`,
  )
  return parts.join('\n')
}

function drawEvent({ x: value, label }: NonNullable<Chart['event']>, x: Scale, right: number): string {
  const at = atX(x, value, right)
  return [
    `<line class="axis" x1="${at}" x2="${at}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke-dasharray="2 3"/>`,
    `<text class="ink" x="${at + 6}" y="${TOP + 10}">${escape(label)}</text>`,
  ].join('\n')
}

function drawSeries(series: Series, index: number, x: Scale, y: Scale, right: number): string {
  const { points, isDashed, isTimeLine, isMarksOnly } = series
  const places = points.map((point) => `${atX(x, point.x, right)},${atY(y, point.y)}`)
  const dash = isDashed === true ? ' stroke-dasharray="6 4"' : ''
  const width = isTimeLine === true ? 1.4 : 2
  const line = `<polyline class="s${index}" fill="none" stroke-width="${width}" stroke-linejoin="round"${dash}` +
    ` points="${places.join(' ')}"/>`
  if (isTimeLine === true) return line
  const marks = points.map((point) =>
    `<circle class="f${index}" cx="${atX(x, point.x, right)}" cy="${atY(y, point.y)}" r="${MARK_RADIUS}"/>`)
  return (isMarksOnly === true ? marks : [line, ...marks]).join('\n')
}

/** Each name beside its line's last point, moved apart where they would overlap. */
function drawNames(series: readonly Series[], x: Scale, y: Scale, right: number): string {
  if (series.length < 2) return ''
  const wanted = series.map(({ name, points }, index) => {
    const last = points.at(-1) ?? { x: 0, y: 0 }
    return { name, index, from: atX(x, last.x, right), at: atY(y, last.y) }
  }).sort((a, b) => a.at - b.at)
  const places = spread(wanted.map(({ at }) => at), TOP, HEIGHT - BOTTOM + 10)
  const left = right + 16
  return wanted.map(({ name, index, from, at }, place) => {
    const y0 = round(places[place] ?? at)
    const line = `<path class="s${index}" fill="none" opacity="0.5" d="M${from + 5},${at} L${left - 3},${y0}"/>`
    return `${line}\n<text class="f${index}" x="${left}" y="${y0 + 4}">${escape(name)}</text>`
  }).join('\n')
}

/** Sorted positions, at least LABEL_GAP apart, between two ends, as near to where they were as that goes. */
export function spread(wanted: readonly number[], least: number, most: number): number[] {
  const made = [...wanted]
  for (let at = 0; at < made.length; at++) {
    made[at] = Math.max(made[at] ?? 0, at === 0 ? least : (made[at - 1] ?? 0) + LABEL_GAP)
  }
  for (let at = made.length - 1; at >= 0; at--) {
    made[at] = Math.min(made[at] ?? 0, at === made.length - 1 ? most : (made[at + 1] ?? 0) - LABEL_GAP)
  }
  return made
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

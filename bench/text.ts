/** Numbers for people, and Markdown tables. Pure. */

/** Three digits that count: 1,230,000 is 1.23 M. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  for (const [unit, name] of [[1e9, ' G'], [1e6, ' M'], [1e3, ' k']] as const) {
    if (size >= unit * 0.9995) return `${digits(value / unit)}${name}`
  }
  return digits(value)
}

/** For an axis: without digits that say nothing, and small numbers as they are. */
export function tickLabel(value: number): string {
  if (Math.abs(value) >= 1 && Math.abs(value) < 10_000 && Number.isInteger(value)) return value.toLocaleString('en')
  return short(value).replace(/\.(\d*?)0+(?=\D|$)/, (_all, kept: string) => (kept === '' ? '' : `.${kept}`))
}

function digits(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  const decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3
  return value.toFixed(decimals)
}

/** Columns are padded, so that the text reads as a table, too; all but the first to the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, 3, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string => `| ${widths
    .map((width, column) => {
      const cell = cells[column] ?? ''
      return column === 0 ? cell.padEnd(width) : cell.padStart(width)
    })
    .join(' | ')} |`
  const dashes = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  const rule = `| ${dashes.join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

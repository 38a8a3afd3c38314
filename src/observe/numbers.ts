/**
 * Numbers and tables for people.
 */

/** 1234567 as "1.23 M"; small ones as they are. */
export function short(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e9) return `${(value / 1e9).toPrecision(3)} G`
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)} M`
  if (size >= 1e4) return `${(value / 1e3).toPrecision(3)} k`
  return Number.isInteger(value) ? String(value) : value.toFixed(size < 10 ? 2 : 1)
}

export function shortOrDash(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : short(value)
}

export function bytesShort(bytes: number): string {
  if (bytes >= 2 ** 30) return `${(bytes / 2 ** 30).toFixed(2)} GiB`
  if (bytes >= 2 ** 20) return `${(bytes / 2 ** 20).toFixed(1)} MiB`
  if (bytes >= 2 ** 10) return `${(bytes / 2 ** 10).toFixed(1)} KiB`
  return `${bytes} B`
}

/** "2,000,000" */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

export type Row = readonly [label: string, ...cells: string[]]

/** Left-aligned labels, right-aligned cells; a row with no cells is a heading. */
export function table(rows: readonly Row[]): string {
  const columns = Math.max(...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.filter((row) => row.length > 1).map((row) => (row[column] ?? '').length), 0),
  )
  return rows
    .map(([label, ...cells]) => {
      if (cells.length === 0) return label
      const right = cells.map((cell, index) => cell.padStart(widths[index + 1] ?? 0))
      return [label.padEnd(widths[0] ?? 0), ...right].join('  ').trimEnd()
    })
    .join('\n')
}

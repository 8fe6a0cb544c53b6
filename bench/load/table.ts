import type { Case, Result } from './cases.ts'

/** One case, a row for each server. */
export function caseTable(which: Case, results: readonly Result[]): string {
  const rows = results
    .filter((result) => result.case === which.name)
    .map((result) => [
      result.server,
      result.cpuPerQuery.toFixed(2),
      Math.round(result.queriesPerSecond).toLocaleString('en'),
      ((result.cpuMicros / result.seconds / 1e6) * 100).toFixed(0),
      result.p50.toFixed(2),
      result.p99.toFixed(2),
      mebibytes(result.resident),
      result.failed + result.lost === 0 ? '' : `${result.failed} failed, ${result.lost} lost`,
    ])
  return `\n${which.title}\n${table([['server', 'CPU µs', 'q/s', 'CPU %', 'p50 ms', 'p99 ms', 'RSS MiB', ''], ...rows])}`
}

export function memoryTable(results: readonly Result[]): string {
  const rows = results
    .filter((result) => result.case === 'million')
    .map((result) => [result.server, mebibytes(result.resident), `${result.seconds.toFixed(1)} s`])
  if (rows.length === 0) return ''
  return `\nafter a million new names\n${table([['server', 'RSS MiB', 'in'], ...rows])}`
}

/** Columns as wide as their widest cell: the first to the left, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? []
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')
  return rows.map((row) => `  ${line(row).trimEnd()}`).join('\n')
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0)
}

import type { ProblemCode } from './problem-codes.ts'

/** Something wrong with the configuration. Line and column count from 1; line 0 is a command-line flag's value. */
export interface Problem {
  readonly code: ProblemCode
  readonly severity: 'error' | 'warning'
  /** A file's name as given, or a flag such as `--listen`. */
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  /** What to write instead. */
  readonly suggestion?: string
  /** The line of source. */
  readonly source: string
}

/** A text that problems point into. */
export interface Source {
  readonly file: string
  readonly lines: readonly string[]
}

export interface Place {
  readonly line: number
  readonly column: number
}

/** More lines than this are not read by anybody. */
const printedMax = 100
/** A longer line of source is cut to a window around the caret. */
const widthMax = 120

export function sourceOf(file: string, text: string): Source {
  return { file, lines: text.split(/\r?\n/) }
}

export function problemAt(
  source: Source,
  { line, column }: Place,
  code: ProblemCode,
  message: string,
  more: { readonly suggestion?: string; readonly severity?: Problem['severity'] } = {},
): Problem {
  const shown = source.lines[Math.max(0, line - 1)] ?? ''
  return { code, severity: 'error', file: source.file, line, column, message, source: shown, ...more }
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === 'error')
}

/**
 * All problems as an operator reads them, errors first in the order of the file, no newline at the end:
 *
 *     dnsweir.yaml:3:12: forward.atempts is not a setting; did you mean attempts?
 *       forward: { atempts: 3 }
 *                  ^
 */
export function formatProblems(problems: readonly Problem[]): string {
  const sorted = inOrder(problems)
  const printed = sorted.slice(0, printedMax).map(formatProblem)
  if (sorted.length > printedMax) printed.push(`and ${sorted.length - printedMax} more problems`)
  return printed.join('\n')
}

/** Errors first, then by place. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(
    (a, b) => rank(a) - rank(b) || a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
  )
}

export function formatProblem(problem: Problem): string {
  const { file, line, column, severity, message, suggestion } = problem
  const where = line === 0 ? file : `${file}:${line}:${column}`
  const kind = severity === 'warning' ? 'warning: ' : ''
  const hint = suggestion === undefined ? '' : `; did you mean ${printable(suggestion)}?`
  const from = problem.source.length > widthMax ? Math.max(0, column - 1 - widthMax / 2) : 0
  const shown = problem.source.slice(from, from + widthMax)
  // Tabs stay tabs, so that the caret stands under its place however wide the terminal draws them.
  const indent = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ')
  return `${printable(where)}: ${kind}${printable(message)}${hint}\n  ${printable(shown)}\n  ${indent}^`
}

function rank({ severity }: Problem): number {
  return severity === 'error' ? 0 : 1
}

/** The text of a file may hold control characters, which must not reach a terminal. Each becomes one character. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => (character === '\t' ? '\t' : '\uFFFD'))
}

import { decode } from './decode.ts'
import { members, type Shape } from './field.ts'
import { type Finding, findingsOf } from './parse-issues.ts'
import { parseYaml } from './parse-yaml.ts'
import { zodOfRoot } from './parse-zod.ts'
import { type Path, pathText, valueAt } from './path.ts'
import { hasErrors, inOrder, type Place, type Problem, problemAt, type Source, sourceOf } from './problem.ts'
import type { ProblemCode } from './problem-codes.ts'
import type { Section } from './section.ts'

/** `settings` are there exactly when no problem is an error. */
export interface Parsed<S> {
  readonly settings?: Readonly<S>
  readonly problems: readonly Problem[]
}

/** Something that no single setting can know. It runs when the top-level keys it is about have no errors. */
export interface CrossCheck<S> {
  readonly about: readonly (keyof S)[]
  check(settings: Readonly<S>, report: Report): void
}

export type Report = (
  path: Path,
  code: ProblemCode,
  message: string,
  more?: {
    readonly suggestion?: string
    readonly severity?: Problem['severity']
    /** What to point at; the value, if not said. */
    readonly what?: 'key' | 'value'
  },
) => void

/** Where a path stands: in the text of a file, or in a flag. */
export type Locate = (path: Path, what: 'key' | 'value') => { readonly source: Source; readonly place: Place }

/** The text of a configuration → settings, or every problem at once. Never throws on any input. */
export function parse<S>(
  root: Section<S>,
  input: string | Uint8Array,
  file: string,
  crossChecks: readonly CrossCheck<S>[] = [],
): Parsed<S> {
  const decoded = decode(input, file)
  if ('problem' in decoded) return { problems: [decoded.problem] }
  const source = sourceOf(file, decoded.text)
  const yaml = parseYaml(decoded.text, source)
  if (!yaml.readable) return { problems: yaml.problems }
  const value = yaml.value ?? {}
  const locate: Locate = (path, what) => ({ source, place: yaml.place(path, what) })
  if (typeof value !== 'object' || Array.isArray(value)) {
    const message = 'the configuration is a mapping of keys to values, such as `listen: [127.0.0.1:1053]`'
    return { problems: [...yaml.problems, problemAt(source, yaml.place([], 'value'), 'not-a-mapping', message)] }
  }
  const { problems, settings } = check(root, value, locate, crossChecks)
  const all = inOrder([...yaml.problems, ...problems])
  return settings === undefined || hasErrors(all) ? { problems: all } : { settings, problems: all }
}

/** Plain data, as YAML gives it → settings, or every problem at once. */
export function check<S>(
  root: Section<S>,
  input: object,
  locate: Locate,
  crossChecks: readonly CrossCheck<S>[],
): Parsed<S> {
  const problems: Problem[] = []
  const report = (path: Path, what: 'key' | 'value', code: ProblemCode, message: string, more: object = {}) => {
    const { source, place } = locate(path, what)
    problems.push(problemAt(source, place, code, message, more))
  }
  const { value, issues } = zodOfRoot(root, input)
  const findings = firstOfEach(findingsOf(issues, root, input))
  for (const { path, what, code, message, ...more } of findings) report(path, what, code, message, more)

  // An unknown key spoils nothing but itself.
  const bad = findings.filter(({ code }) => code !== 'unknown-key').map(({ path }) => path)
  for (const path of unbuiltPaths(root, input, value, bad)) {
    const message = `${pathText(path)}: accepted, not built yet: has no effect`
    report(path, 'key', 'no-effect-yet', message, { severity: 'warning' })
  }
  for (const crossCheck of crossChecks) {
    if (value === undefined || crossCheck.about.some((key) => bad.some(([first]) => first === key))) continue
    crossCheck.check(value as S, (path, code, message, { what = 'value', ...more } = {}) =>
      report(path, what, code, message, more),
    )
  }
  const sorted = inOrder(problems)
  return hasErrors(sorted) ? { problems: sorted } : { settings: value as S, problems: sorted }
}

/** Zod measures a text that should be a list, too: of each value the first finding is the one that matters. */
function firstOfEach(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>()
  return findings.filter(({ path }) => {
    const text = pathText(path)
    return !seen.has(text) && seen.add(text)
  })
}

/** The keys that the operator wrote to say something that has no effect yet. */
function unbuiltPaths(of: Shape<unknown>, input: unknown, value: unknown, bad: readonly Path[], at: Path = []): Path[] {
  const shape = members(of)
  if (shape.kind !== 'section') return []
  return Object.entries(shape.fields).flatMap(([key, field]) => {
    const path = [...at, key]
    const written = valueAt(input, [key])
    if (written === undefined || bad.some((one) => path.every((step, i) => one[i] === step))) return []
    const parsed = valueAt(value, [key])
    return field.unbuilt?.(parsed) === true ? [path] : unbuiltPaths(field.shape, written, parsed, bad, path)
  })
}

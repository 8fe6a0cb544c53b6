import type { z } from 'zod'
import { expectation } from './expectation.ts'
import { members, type Shape } from './field.ts'
import { nearest } from './nearest.ts'
import type { CustomParams } from './parse-zod.ts'
import { findKey, type Path, pathText, shapeAt, valueAt } from './path.ts'
import type { ProblemCode } from './problem-codes.ts'

/** Of one block. Each is compared with all known keys and looked up in the text; a file of other things has thousands. */
const unknownKeysMax = 500

/** A finding of zod in our words, not yet placed in the text. */
export interface Finding {
  readonly path: Path
  readonly what: 'key' | 'value'
  readonly code: ProblemCode
  readonly message: string
  readonly suggestion?: string
}

/** What zod found, in sentences about the settings. `input` is what zod was given. */
export function findingsOf(
  issues: readonly z.core.$ZodIssue[],
  root: Shape<unknown>,
  input: unknown,
  at: Path = [],
): Finding[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path]
    if (issue.code === 'unrecognized_keys')
      return issue.keys.slice(0, unknownKeysMax).map((key) => unknownKey(root, path, key))
    // The last branch is what stands beside the fixed word, and says more than the first.
    if (issue.code === 'invalid_union') return findingsOf(issue.errors.at(-1) ?? [], root, input, path)
    return [badValue(issue, root, path, valueAt(input, path))]
  })
}

function unknownKey(root: Shape<unknown>, path: Path, key: string): Finding {
  const block = shapeAt(root, path)
  const shape = block && members(block)
  const inner = shape?.kind === 'either' ? members(shape.other) : shape
  const known = inner?.kind === 'section' ? Object.keys(inner.fields) : []
  const elsewhere = findKey(root, key)
  const suggestion = nearest(key, known) ?? (elsewhere && pathText(elsewhere))
  const name = pathText([...path, key])
  const message =
    suggestion === undefined ? `${name} is not a setting; known here: ${known.join(', ')}` : `${name} is not a setting`
  return {
    path: [...path, key],
    what: 'key',
    code: 'unknown-key',
    message,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

function badValue(issue: z.core.$ZodIssue, root: Shape<unknown>, path: Path, input: unknown): Finding {
  const shape = shapeAt(root, path) ?? root
  const name = path.length === 0 ? 'the configuration' : pathText(path)
  const base = { path, what: 'value' } as const
  const expected = `expected ${expectation(shape)}`
  if (input === undefined) return { ...base, code: 'missing-key', message: `${name} is missing; ${expected}` }
  if (input === null) return { ...base, code: 'wrong-type', message: `${name} has no value; ${expected}` }
  if (issue.code === 'custom') {
    const { problem, detail, suggestion } = issue.params as unknown as CustomParams
    const message = `${name} is ${shown(input)}${detail ? `: ${detail}` : ''}${problem === 'not-built-yet' ? '' : `; ${expected}`}`
    return { ...base, code: problem, message, ...(suggestion === undefined ? {} : { suggestion }) }
  }
  const suggestion = suggestionFor(shape, input)
  const message = `${name} is ${shown(input)}; ${expected}`
  return { ...base, code: codeOf(issue), message, ...(suggestion === undefined ? {} : { suggestion }) }
}

function codeOf(issue: z.core.$ZodIssue): ProblemCode {
  if (issue.code === 'too_small' || issue.code === 'too_big') return 'out-of-range'
  return issue.code === 'invalid_value' ? 'not-one-of' : 'wrong-type'
}

function suggestionFor(of: Shape<unknown>, input: unknown): string | undefined {
  const shape = members(of)
  if (shape.kind === 'either') return nearest(String(input), [shape.word]) ?? suggestionFor(shape.other, input)
  if (shape.kind === 'oneOf') return nearest(String(input), shape.values)
  if (shape.kind === 'list' && typeof input !== 'object') return `[${String(input)}]`
  if (shape.kind !== 'boolean') return undefined
  // YAML 1.1 took these for booleans; 1.2, which this is, does not.
  if (input === 'yes' || input === 'on') return 'true'
  return input === 'no' || input === 'off' ? 'false' : undefined
}

function shown(input: unknown): string {
  if (Array.isArray(input)) return `a list of ${input.length}`
  if (typeof input === 'object') return 'a block of keys'
  if (typeof input !== 'string') return String(input)
  return JSON.stringify(input.length > 60 ? `${input.slice(0, 60)}…` : input)
}

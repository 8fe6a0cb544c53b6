import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLError,
} from 'yaml'
import { aliasesMax, structureProblems } from './parse-yaml-structure.ts'
import type { Path } from './path.ts'
import { type Place, type Problem, problemAt, type Source } from './problem.ts'
import type { ProblemCode } from './problem-codes.ts'

/** A YAML text as plain data, with the places where things stand in it. */
export interface YamlText {
  readonly value: unknown
  /** False when `value` says nothing, for the text is not sound. */
  readonly readable: boolean
  readonly problems: readonly Problem[]
  /** Where the value of a path stands, or its key, or what is nearest above it. */
  place(path: Path, what: 'key' | 'value'): Place
}

/** The library compares each key with all before it, which a long file turns into minutes: we look for twins ourselves. */
const yamlOptions = { prettyErrors: false, stringKeys: true, uniqueKeys: false, logLevel: 'silent' } as const

/** The library's codes that are ours too, with our sentence where its own does not help an operator. */
const ours: { readonly [code: string]: readonly [ProblemCode, string?] } = {
  TAG_RESOLVE_FAILED: ['yaml-tag'],
  BAD_ALIAS: ['yaml-alias'],
  NON_STRING_KEY: [
    'yaml-syntax',
    'a key is plain text; a value that begins with [ or { and goes on after it needs quotes',
  ],
}

/** Reads one YAML 1.2 document. Never throws. */
export function parseYaml(text: string, source: Source): YamlText {
  const lineCounter = new LineCounter()
  const at = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(Math.min(offset, text.length))
    return { line, column: col }
  }
  const top: Place = { line: 1, column: 1 }
  const failed = (problem: Problem): YamlText => ({
    value: undefined,
    readable: false,
    problems: [problem],
    place: () => top,
  })

  const tooDeep = (place: Place) => problemAt(source, place, 'yaml-nesting', 'blocks are nested too deep')

  let documents: Document[]
  try {
    documents = [...parseAllDocuments(text, { ...yamlOptions, lineCounter })] as Document[]
  } catch (error) {
    // The composer calls itself for each level, so that a deep file ends its stack.
    if (error instanceof RangeError) return failed(tooDeep(top))
    throw error
  }
  const [document, second] = documents
  if (document === undefined) return { value: undefined, readable: true, problems: [], place: () => top }

  const place = (path: Path, what: 'key' | 'value') => at(offsetOf(document, path, what))
  const errors = [...document.errors, ...document.warnings]
  // What the library says after it ran out of stack is about its own confusion.
  const deep = errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION')
  if (deep !== undefined) return failed(tooDeep(at(deep.pos[0])))
  const problems = errors.map((error) => yamlProblem(error, source, at))
  problems.push(...structureProblems(document, source, at))
  // With a key given twice the rest can still be checked; with anything else there may be no rest.
  const readable = problems.every(({ code }) => code === 'duplicate-key')
  if (second !== undefined) {
    const message = 'a second document begins here; the configuration is one document'
    const offset = second.contents?.range?.[0] ?? second.range?.[0] ?? 0
    problems.push(problemAt(source, at(offset), 'several-documents', message))
  }
  return { value: readable ? document.toJS({ maxAliasCount: aliasesMax }) : undefined, readable, problems, place }
}

function yamlProblem(error: YAMLError, source: Source, at: (offset: number) => Place): Problem {
  const [code, said] = ours[error.code] ?? ['yaml-syntax', undefined]
  const message = said ?? error.message.charAt(0).toLowerCase() + error.message.slice(1)
  return problemAt(source, at(error.pos[0]), code, message)
}

function offsetOf(document: Document, path: Path, what: 'key' | 'value'): number {
  let offset = document.contents?.range?.[0] ?? 0
  let node: unknown = document.contents
  for (const [i, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    let key: unknown
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step))
      key = pair?.key
      node = pair?.value
    } else if (isSeq(node)) {
      node = node.items[Number(step)]
    } else break
    const found = what === 'key' && i === path.length - 1 ? (key ?? node) : hasText(node) ? node : key
    offset = (found as Node | undefined)?.range?.[0] ?? offset
  }
  return offset
}

/** An empty value (`key:` and nothing) has no text to point at; its key has. */
function hasText(node: unknown): boolean {
  const range = (node as Node | null | undefined)?.range
  return range != null && range[0] < range[1]
}

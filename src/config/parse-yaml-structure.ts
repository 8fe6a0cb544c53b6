import { type Document, isScalar, visit } from 'yaml'
import { type Place, type Problem, problemAt, type Source } from './problem.ts'
import type { ProblemCode } from './problem-codes.ts'

/** Aliases beyond this number are no configuration: each may stand for a copy of everything before it. */
export const aliasesMax = 100

/**
 * What is wrong with a document that has the form of YAML: keys given twice, aliases that lead nowhere. The library
 * resolves aliases late and then throws without a position, so they are looked at one by one before.
 */
export function structureProblems(document: Document, source: Source, at: (offset: number) => Place): Problem[] {
  const problems: Problem[] = []
  const problem = (code: ProblemCode, offset: number, message: string) =>
    problems.push(problemAt(source, at(offset), code, message))
  let aliases = 0
  visit(document, {
    Map(_, map) {
      const keys = new Set<unknown>()
      for (const { key } of map.items) {
        if (!isScalar(key)) continue
        if (keys.has(key.value)) {
          problem('duplicate-key', key.range?.[0] ?? 0, `${String(key.value)} is given before in the same block`)
        }
        keys.add(key.value)
      }
    },
    Alias(_, alias) {
      aliases++
      const offset = alias.range?.[0] ?? 0
      if (aliases > aliasesMax) {
        problem('yaml-alias', offset, `more than ${aliasesMax} aliases`)
        return visit.BREAK
      }
      const target = alias.resolve(document)
      if (target === undefined) problem('yaml-alias', offset, `no anchor &${alias.source} stands before this alias`)
      else if ((target.range?.[0] ?? 0) < offset && offset < (target.range?.[1] ?? 0)) {
        problem('yaml-alias', offset, `the alias *${alias.source} stands inside of what it repeats`)
      }
      return undefined
    },
  })
  if (document.errors.length > 0 || problems.some(({ code }) => code === 'yaml-alias')) return problems
  try {
    document.toJS({ maxAliasCount: aliasesMax })
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    problem('yaml-alias', 0, 'aliases repeat each other too often')
  }
  return problems
}

import type { Query } from '../../query/query.ts'
import { DROP, PASS, REPLY, type Verdict } from '../../query/verdict.ts'
import { typeName } from '../../wire/codes.ts'
import { nameToText } from '../../wire/text.ts'
import type { LocalName } from './tree.ts'

/** @param local what the tree holds for the name @param isAny everything is answered here */
export function explainLocal(query: Query, verdict: Verdict, local: LocalName | undefined, isAny: boolean): string {
  const name = nameToText(query.name)
  if (verdict === PASS || verdict === DROP) {
    return local === undefined
      ? 'no record, hosts file or special-use name is about this name'
      : `${name} is built in, but a route, cluster domain or suffix says who serves it`
  }
  if (local === undefined) {
    return isAny ? 'everything is answered here' : `${name} is a special-use name, which nobody serves (RFC 6761)`
  }
  const whose = local.builtIn ? 'is built in (special use)' : 'is in records or hosts'
  const has = local.alias !== undefined || local.sets.some(({ type }) => type === query.type)
  return verdict === REPLY && !has
    ? `${name} ${whose}, without a record of type ${typeName(query.type)}: NODATA`
    : `${name} ${whose}`
}

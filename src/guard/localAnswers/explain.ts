import type { LocalTable } from '../../query/local-table.ts'
import type { Query } from '../../query/query.ts'
import { DROP, PASS, REPLY, REWRITE, type Verdict } from '../../query/verdict.ts'
import { typeName } from '../../wire/codes.ts'
import { nameToText } from '../../wire/text.ts'

export function explainLocal(query: Query, verdict: Verdict, table: LocalTable): string {
  const name = nameToText(query.name)
  const entry = table.find(query)
  if (verdict === PASS || verdict === DROP) {
    return entry === 0
      ? 'no record, hosts file or special-use name is about this name'
      : `${name} is built in, but a route, cluster domain or suffix says who serves it`
  }
  if (entry === 0) {
    return table.any === 0
      ? `${name} is a special-use name, which nobody serves (RFC 6761)`
      : 'everything is answered here'
  }
  if (verdict === REWRITE) {
    const target = nameToText(table.pool, table.targetOf(entry) + 2)
    return `${name} is in records as an alias that leads to ${target}, which is looked up in its place`
  }
  const whose = table.isBuiltIn(entry) ? 'is built in (special use)' : 'is in records or hosts'
  const has = table.aliasOf(entry) !== 0 || table.leadsAway(entry) || table.setOf(entry, query.type) !== 0
  return verdict === REPLY && !has
    ? `${name} ${whose}, without a record of type ${typeName(query.type)}: NODATA`
    : `${name} ${whose}`
}

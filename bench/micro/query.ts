import { NameSet } from '../../src/query/name-set.ts'
import { openQuery } from '../../src/query/open.ts'
import { Query } from '../../src/query/query.ts'
import { question } from '../load/names.ts'
import type { Micro } from './micro.ts'

const query = new Query()
query.bytes = question('user17-svc.user17.svc.cluster.local.example.org', 1)
query.length = query.bytes.length
openQuery(query, 1)

const names = Array.from({ length: 1000 }, (_, i) => question(`zone${i}.example.com`, 1).slice(12, -4))
const far = new NameSet(names)
const near = new NameSet([...names, question('example.org', 1).slice(12, -4)])

export const queryMicros: readonly Micro[] = [
  { name: 'query/open', what: '7 labels, 49 bytes, no OPT', step: () => openQuery(query, 1) },
  { name: 'query/name-set, hit', what: '1,001 names, 5 labels above the match', step: () => near.longestSuffix(query) },
  { name: 'query/name-set, none', what: '1,000 names, all 8 suffixes asked', step: () => far.longestSuffix(query) },
]

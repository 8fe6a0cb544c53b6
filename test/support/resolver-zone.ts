/** What the upstream of test/peers/resolvers.test.ts knows, and what every resolver must find in it. */
import { RCODES, reply, TYPES } from './message.ts'
import { nxdomain, type Script, soa } from './upstream.ts'

/** Owner → records, as zone files write them. Each host has addresses of its own, so that they say where a walk ended. */
const zone: Readonly<Record<string, readonly string[]>> = {
  'dual.ext.test': ['A 192.0.2.1', 'AAAA 2001:db8::1'],
  'many.ext.test': ['A 192.0.2.2', 'A 192.0.2.3', 'A 192.0.2.4', 'AAAA 2001:db8::2', 'AAAA 2001:db8::3'],
  'four.ext.test': ['A 192.0.2.5'],
  'six.ext.test': ['AAAA 2001:db8::6'],
  'text.ext.test': ['TXT none'],
  'to-dual.ext.test': ['CNAME mid.ext.test'],
  'mid.ext.test': ['CNAME dual.ext.test'],
  'to-four.ext.test': ['CNAME four.ext.test'],
  'to-six.ext.test': ['CNAME six.ext.test'],
  'to-text.ext.test': ['CNAME text.ext.test'],
  'to-nothing.ext.test': ['CNAME missing.ext.test'],
  'bad.ext.test': ['SERVFAIL'],
  'refused.ext.test': ['REFUSED'],
  // Below the search domains first.test, second.test, third.test.
  'near.first.test': ['A 192.0.2.11', 'AAAA 2001:db8::11'],
  'near.second.test': ['A 192.0.2.12', 'AAAA 2001:db8::12'],
  'middle.second.test': ['A 192.0.2.13', 'AAAA 2001:db8::13'],
  'middle.third.test': ['A 192.0.2.14', 'AAAA 2001:db8::14'],
  'far.third.test': ['A 192.0.2.15', 'AAAA 2001:db8::15'],
  'far4.third.test': ['A 192.0.2.16'],
  'alias.second.test': ['CNAME to-dual.ext.test'],
  'six.third.test': ['AAAA 2001:db8::17'],
  'text.third.test': ['TXT none'],
  'hidden.first.test': ['AAAA 2001:db8::18'],
  'hidden.third.test': ['A 192.0.2.19', 'AAAA 2001:db8::19'],
}

/** As a recursive resolver, which follows aliases. */
export const zoneScript: Script = (asked) => {
  const answers: string[] = []
  let name = asked.name.replace(/\.$/, '').toLowerCase()
  for (;;) {
    const records = zone[name]
    if (records === undefined) {
      return answers.length === 0
        ? nxdomain(asked, 'test')
        : reply(asked, { rcode: RCODES.NXDOMAIN, answers, authority: [soa('test')] })
    }
    const [first = ''] = records
    if (first in RCODES) return reply(asked, { rcode: RCODES[first as keyof typeof RCODES] })
    const owner = name
    const isAlias = first.startsWith('CNAME ')
    const wanted = records.filter((text) => isAlias || TYPES[text.split(' ')[0] as string] === asked.type)
    answers.push(...wanted.map((text) => `${owner} 60 ${text}`))
    if (!isAlias) return reply(asked, wanted.length > 0 ? { answers } : { answers, authority: [soa('test')] })
    name = first.slice('CNAME '.length)
  }
}

export const searchList = ['first.test', 'second.test', 'third.test']

/** What a resolver says of a name: its addresses, or that there are none, or that the servers failed. */
export type Found = readonly string[] | 'none' | 'failed'

/** A name as it is asked, where its walk ends, and what is found there. */
export interface Row {
  readonly asked: string
  readonly ends: string
  readonly found: Found
  /** A name with IPv6 alone: another one that is asked, which stands where it stands and has no address at all. */
  readonly like?: string
}

const rows: readonly (readonly [string, string, Found, string?])[] = [
  ['dual.ext.test.', 'dual.ext.test', ['192.0.2.1', '2001:db8::1']],
  ['many.ext.test.', 'many.ext.test', ['192.0.2.2', '192.0.2.3', '192.0.2.4', '2001:db8::2', '2001:db8::3']],
  ['four.ext.test.', 'four.ext.test', ['192.0.2.5']],
  ['six.ext.test.', 'six.ext.test', ['2001:db8::6'], 'text.ext.test.'],
  ['text.ext.test.', 'text.ext.test', 'none'],
  ['to-dual.ext.test.', 'to-dual.ext.test', ['192.0.2.1', '2001:db8::1']],
  ['to-four.ext.test.', 'to-four.ext.test', ['192.0.2.5']],
  ['to-six.ext.test.', 'to-six.ext.test', ['2001:db8::6'], 'to-text.ext.test.'],
  ['to-text.ext.test.', 'to-text.ext.test', 'none'],
  ['to-nothing.ext.test.', 'to-nothing.ext.test', 'none'],
  ['missing.ext.test.', 'missing.ext.test', 'none'],
  ['bad.ext.test.', 'bad.ext.test', 'failed'],
  ['refused.ext.test.', 'refused.ext.test', 'failed'],
  ['near', 'near.first.test', ['192.0.2.11', '2001:db8::11']],
  ['middle', 'middle.second.test', ['192.0.2.13', '2001:db8::13']],
  ['far', 'far.third.test', ['192.0.2.15', '2001:db8::15']],
  ['far4', 'far4.third.test', ['192.0.2.16']],
  ['alias', 'alias.second.test', ['192.0.2.1', '2001:db8::1']],
  ['six', 'six.third.test', ['2001:db8::17'], 'text'],
  ['text', 'text.third.test', 'none'],
  // Fewer dots than ndots: all search domains come first.
  ['dual.ext.test', 'dual.ext.test', ['192.0.2.1', '2001:db8::1']],
  ['four.ext.test', 'four.ext.test', ['192.0.2.5']],
  ['nowhere', 'nowhere', 'none'],
]

export const table: readonly Row[] = rows.map(([asked, ends, found, like]) => ({
  ...{ asked, ends, found },
  ...(like !== undefined && { like }),
}))

/** IPv6 alone in the first search domain, both in the third: what a host without IPv6 finds depends on its resolver. */
export const hidden: Row = { asked: 'hidden', ends: 'hidden.first.test', found: ['2001:db8::18'] }

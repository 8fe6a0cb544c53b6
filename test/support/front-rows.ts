/** What dnsweir makes up, name by name, and the resolver behind it that gives it reason to: for caches in front. */
import { RCODES, reply, TYPES } from './message.ts'
import { nxdomain, type Script, soa } from './upstream.ts'

export const v4 = '192.0.2.1'
export const v6 = '2001:db8::1'

export interface Row {
  readonly what: string
  /** `@` stands for a word of its own in each use. */
  readonly name: string
  /** Answers as `type data`, or the code of a denial. */
  readonly A: readonly string[] | number
  readonly AAAA: readonly string[] | number
  /**
   * A denial of AAAA without SOA, which gets one only once A is denied as well (decision 9): nobody in front can keep it `ever` in the one case, and
   * not at `first` in the other.
   */
  readonly unkept?: 'first' | 'ever'
  /** Names that must have an A record before and after. */
  readonly neighbours?: readonly string[]
}

/** What the resolver behind holds, by the first label of the name. */
export const upstream: Script = (asked) => {
  const name = asked.name.toLowerCase()
  const type = Object.keys(TYPES).find((key) => TYPES[key] === asked.type) ?? ''
  const first = name.replace(/[-.].*/, '')
  const both = (owner: string): string[] =>
    type === 'A' ? [`${owner} 300 A ${v4}`] : type === 'AAAA' ? [`${owner} 300 AAAA ${v6}`] : []
  const plain = (answers: string[]): Buffer =>
    reply(asked, { answers, authority: answers.length === 0 ? [soa('test.')] : [] })
  if (/(^|\.)com\.example\.org\.$/.test(name) || name.startsWith('www.')) {
    return name.endsWith('.example.org.') || first === 'gone' ? nxdomain(asked, 'example.org.') : plain(both(name))
  }
  switch (first) {
    case 'nx':
      return reply(asked, { rcode: RCODES.NXDOMAIN })
    case 'nodata':
      return reply(asked)
    case 'alias':
      return reply(asked, { answers: [`${name} 300 CNAME end.example.net.`, ...both('end.example.net.')] })
    case 'evil':
      return type === 'A' ? plain([`${name} 300 A 192.168.1.1`]) : plain(both(name))
    case 'half':
      return type === 'A' ? plain(both(name)) : reply(asked, { rcode: RCODES.NXDOMAIN })
    default:
      return plain(both(name))
  }
}

const { NXDOMAIN } = RCODES

export const denials: readonly Row[] = [
  {
    what: 'searchSuffix',
    name: '@.default.svc.cluster.local.example.org',
    A: NXDOMAIN,
    AAAA: NXDOMAIN,
    neighbours: [
      'example.org',
      'nas.example.org',
      'local.example.org',
      'cluster.local.example.org',
      '@.default.svc.cluster.local',
    ],
  },
  {
    what: 'cut',
    name: '@.com.example.org',
    A: NXDOMAIN,
    AAAA: NXDOMAIN,
    neighbours: ['example.org', 'nas.example.org', '@.example.org', 'www.@.com'],
  },
  {
    what: 'kubernetesNames',
    name: 'www.@.com.cluster.local',
    A: NXDOMAIN,
    AAAA: NXDOMAIN,
    neighbours: ['web.default.svc.cluster.local', '@.prod.svc.cluster.local', 'com.svc.cluster.local'],
  },
  {
    what: 'a local wildcard',
    name: '@.apps.lan',
    A: ['A 10.0.0.8'],
    AAAA: [],
    neighbours: ['apps.lan', 'db.lan', 'other.lan', 'x.@.apps.lan'],
  },
  { what: 'a local name', name: 'six.lan', A: [], AAAA: [`AAAA ${v6}`], neighbours: ['db.lan', 'x.six.lan', 'lan'] },
  {
    what: 'a local alias',
    name: 'link.lan',
    A: ['A 10.0.0.5', 'CNAME db.lan.'],
    AAAA: ['CNAME db.lan.'],
    neighbours: ['db.lan'],
  },
  { what: 'a special-use name', name: '@.invalid', A: NXDOMAIN, AAAA: NXDOMAIN, neighbours: ['@.example.net'] },
  {
    what: 'a denial without SOA',
    name: 'nx-@.example.net',
    A: NXDOMAIN,
    AAAA: NXDOMAIN,
    unkept: 'first',
    neighbours: ['example.net', 'x.nx-@.example.net'],
  },
  {
    what: 'no data, without SOA',
    name: 'nodata-@.example.net',
    A: [],
    AAAA: [],
    neighbours: ['example.net', 'x.nodata-@.example.net'],
  },
  {
    // dnsmasq with `local=` above and `address=` for one family.
    what: 'half denied, without SOA',
    name: 'half-@.example.net',
    A: [`A ${v4}`],
    AAAA: NXDOMAIN,
    unkept: 'ever',
    neighbours: ['example.net', 'x.half-@.example.net'],
  },
]

export const rebinding: readonly Row[] = [
  {
    what: 'rebinding',
    name: 'evil-@.example.net',
    A: [],
    AAAA: [`AAAA ${v6}`],
    neighbours: ['example.net', 'x.evil-@.example.net'],
  },
]

export const filtered: readonly Row[] = [
  {
    what: 'aaaaFilter',
    name: '@.example.net',
    A: [`A ${v4}`],
    AAAA: [],
    neighbours: ['example.net', 'x.@.example.net'],
  },
  {
    what: 'aaaaFilter behind a CNAME',
    name: 'alias-@.example.net',
    A: [`A ${v4}`, 'CNAME end.example.net.'],
    AAAA: ['CNAME end.example.net.'],
    neighbours: ['end.example.net', 'example.net'],
  },
  {
    what: 'aaaaFilter, no such name',
    name: 'nx-@.example.net',
    A: NXDOMAIN,
    AAAA: NXDOMAIN,
    neighbours: ['x.nx-@.example.net'],
  },
  { what: 'aaaaFilter, no data', name: 'nodata-@.example.net', A: [], AAAA: [], neighbours: ['example.net'] },
]

export const stripped: readonly Row[] = [
  {
    what: 'strip',
    name: 'www.@.com.example.org',
    A: [`A ${v4}`, 'CNAME www.@.com.'],
    AAAA: [`AAAA ${v6}`, 'CNAME www.@.com.'],
    neighbours: ['www.@.com', 'example.org', 'nas.example.org'],
  },
]

/** What `localAnswers` is told. */
export const records = [
  `db.lan. 300 IN A 10.0.0.5`,
  '*.apps.lan. 60 IN A 10.0.0.8',
  `six.lan. 60 IN AAAA ${v6}`,
  'link.lan. 60 IN CNAME db.lan.',
]

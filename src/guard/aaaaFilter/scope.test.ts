import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardOf } from '../../../test/support/guard.ts'
import { queryOf } from '../../../test/support/query.ts'
import { parseSettings } from '../../app/settings.ts'
import { RULE_EXEMPT, RULE_OBSERVED } from '../../metrics/catalog.ts'
import { ASK, PASS } from '../../query/verdict.ts'
import { Type } from '../../wire/codes.ts'
import { ruleNames } from '../rules.ts'

const onLink = [{ bytes: Uint8Array.of(203, 0, 113, 0), length: 24 }]

/** A filter with these settings, in a cluster `cluster.local`. */
function filterOf(settings: Record<string, unknown>) {
  const bench = guardOf({
    rules: { aaaaFilter: { mode: 'enforce', ...settings } },
    clusterDomains: ['cluster.local'],
    onLink,
  })
  const rule = bench.guard.ruleNamed('aaaaFilter')
  return {
    ...bench,
    /** Is the question filtered? For SRV that is a mark, for AAAA the other type. */
    filters(client: string, name: string, type = 'AAAA'): boolean {
      const query = queryOf(name, type, { client })
      const verdict = bench.guard.check(query)
      const isMarked = query.marks === 1 << ruleNames.indexOf('aaaaFilter')
      if (type === 'AAAA') {
        assert.deepEqual([verdict, query.askType], isMarked ? [ASK, Type.A] : [PASS, Type.AAAA], `${client} ${name}`)
      } else assert.deepEqual([verdict, query.askType], [PASS, query.type], `${client} ${name}`)
      return isMarked
    },
    why(client: string, name: string, type = 'AAAA', parts = {}): string {
      const dry = queryOf(name, type, { client, dry: true, ...parts })
      const verdict = bench.guard.check(queryOf(name, type, { client, dry: true, ...parts }))
      return rule?.explain?.(dry, verdict) ?? ''
    },
  }
}

/** Settings; `client name` of questions that are filtered; of those that are not. */
const cases: readonly [Record<string, unknown>, readonly string[], readonly string[]][] = [
  [
    {},
    ['127.0.0.1 a.test', '192.0.2.1 a.test', '2001:db8::1 a.test', '10.0.0.1 com'],
    ['127.0.0.1 a.cluster.local', '127.0.0.1 ipv4only.arpa'],
  ],
  [
    { clients: ['127.0.0.1'] },
    ['127.0.0.1 a.test'],
    ['127.0.0.2 a.test', '::1 a.test', '10.0.0.1 a.test', '127.0.0.1 a.cluster.local', '127.0.0.1 ipv4only.arpa'],
  ],
  [
    { clients: ['10.1.0.0/16', '2001:db8:1::/48'] },
    ['10.1.0.0 a.test', '10.1.255.255 a.test', '2001:db8:1:ffff::1 a.test'],
    ['10.0.255.255 a.test', '10.2.0.0 a.test', '2001:db8:2::1 a.test', '127.0.0.1 a.test'],
  ],
  [{ clients: ['private'] }, ['10.0.0.1 a.test', 'fd00::1 a.test', '127.0.0.1 a.test'], ['203.0.113.9 a.test']],
  [{ clients: ['onLink'] }, ['203.0.113.9 a.test'], ['203.0.114.1 a.test', '10.0.0.1 a.test']],
  [{ clients: ['0.0.0.0/0'] }, ['8.8.8.8 a.test'], ['::1 a.test', '2001:db8::1 a.test']],
  [{ clients: ['::/0'] }, ['2001:db8::1 a.test'], ['8.8.8.8 a.test', '127.0.0.1 a.test']],
  [
    { exceptClients: ['10.1.0.0/16'] },
    ['10.0.0.1 a.test', '203.0.113.9 a.test', '2001:db8::1 a.test'],
    ['10.1.0.1 a.test'],
  ],
  [
    { clients: ['private'], exceptClients: ['10.1.0.0/16', 'onLink'] },
    ['10.0.0.1 a.test', '192.168.0.1 a.test'],
    ['10.1.0.1 a.test', '203.0.113.9 a.test', '8.8.8.8 a.test'],
  ],
  [{ clients: ['10.1.0.0/16'], exceptClients: ['private'] }, [], ['10.1.0.1 a.test', '8.8.8.8 a.test']],
  [
    { zones: ['Office.test', 'other.example'] },
    ['10.0.0.1 office.test', '10.0.0.1 a.b.OFFICE.test', '::1 x.other.example'],
    ['10.0.0.1 test', '10.0.0.1 xoffice.test', '10.0.0.1 a.test', '10.0.0.1 office.test.example', '10.0.0.1 .'],
  ],
  [
    { zones: ['test'], except: ['v6.test'] },
    ['10.0.0.1 a.test', '10.0.0.1 xv6.test'],
    ['10.0.0.1 v6.test', '10.0.0.1 a.v6.test', '10.0.0.1 a.example'],
  ],
  [{ zones: ['a.v6.test'], except: ['v6.test'] }, [], ['10.0.0.1 a.v6.test', '10.0.0.1 x.a.v6.test']],
  [{ zones: ['arpa'] }, ['10.0.0.1 a.arpa'], ['10.0.0.1 ipv4only.arpa', '10.0.0.1 a.ipv4only.arpa']],
  [{ zones: ['local'] }, ['10.0.0.1 nas.local'], ['10.0.0.1 a.svc.cluster.local']],
  [{ zones: ['local'], except: [] }, ['10.0.0.1 a.svc.cluster.local'], ['10.0.0.1 a.test']],
  [
    { clients: ['10.1.0.0/16'], exceptClients: ['10.1.1.0/24'], zones: ['test'], except: ['v6.test'] },
    ['10.1.0.1 a.test'],
    ['10.2.0.1 a.test', '10.1.1.1 a.test', '10.1.0.1 a.example', '10.1.0.1 a.v6.test'],
  ],
]

test('whose questions are filtered, and about which names', () => {
  for (const [settings, filtered, passed] of cases) {
    const { filters } = filterOf(settings)
    for (const [list, expected] of [
      [filtered, true],
      [passed, false],
    ] as const) {
      for (const one of list) {
        const [client = '', name = ''] = one.split(' ')
        for (const type of ['AAAA', 'SRV', 'HTTPS']) {
          assert.equal(filters(client, name, type), expected, `${JSON.stringify(settings)}: ${one} ${type}`)
        }
      }
    }
  }
})

test('who is out of its reach is neither exempt nor observed', () => {
  const settings = { clients: ['10.1.0.0/16'], zones: ['test'] }
  const { guard, counted } = filterOf(settings)
  const seen = filterOf({ ...settings, mode: 'observe' })
  for (const [client, name] of [
    ['10.2.0.1', 'a.test'],
    ['10.1.0.1', 'a.example'],
  ] as const) {
    for (const type of ['AAAA', 'SRV']) {
      guard.check(queryOf(name, type, { client, dnssecOk: true }))
      seen.guard.check(queryOf(name, type, { client }))
    }
  }
  assert.deepEqual([counted('aaaaFilter', RULE_EXEMPT), seen.counted('aaaaFilter', RULE_OBSERVED)], [0, 0])
  guard.check(queryOf('a.test', 'AAAA', { client: '10.1.0.1', dnssecOk: true }))
  seen.guard.check(queryOf('a.test', 'AAAA', { client: '10.1.0.1' }))
  assert.deepEqual([counted('aaaaFilter', RULE_EXEMPT), seen.counted('aaaaFilter', RULE_OBSERVED)], [1, 1])
})

test('explain says which scope let a query pass', () => {
  const { why } = filterOf({
    clients: ['10.1.0.0/16', 'onLink'],
    exceptClients: ['10.1.1.0/24'],
    zones: ['test', 'example'],
    except: ['v6.test'],
  })
  const table: readonly [string, string][] = [
    [why('10.2.0.1', 'a.test'), '10.2.0.1 is in none of clients (10.1.0.0/16, onLink), so it passes'],
    [why('2001:db8::1', 'a.test'), '2001:db8::1 is in none of clients (10.1.0.0/16, onLink), so it passes'],
    [why('10.1.1.9', 'a.test'), '10.1.1.9 is in exceptClients (10.1.1.0/24), so it passes'],
    [why('10.1.0.1', 'a.org'), 'the name is at or below none of zones (test, example), so it passes'],
    [why('10.1.0.1', 'a.v6.test'), 'v6.test. is excepted, with all below it'],
    [why('10.1.0.1', 'ipv4only.arpa'), 'the name is at or below none of zones (test, example), so it passes'],
    [why('10.2.0.1', 'a.test', 'TXT'), 'replies to TXT bring no IPv6 addresses along'],
    [why('10.2.0.1', 'a.test', 'SRV'), '10.2.0.1 is in none of clients (10.1.0.0/16, onLink), so it passes'],
    [why('10.1.0.1', 'a.test', 'AAAA', { dnssecOk: true }), 'with DO or CD it passes (whenDnssec)'],
    [
      why('10.2.0.1', 'a.test', 'AAAA', { dnssecOk: true }),
      '10.2.0.1 is in none of clients (10.1.0.0/16, onLink), so it passes',
    ],
    [filterOf({}).why('10.1.0.1', 'ipv4only.arpa'), 'ipv4only.arpa. is excepted, with all below it'],
  ]
  for (const [said, expected] of table) assert.equal(said, expected)
  assert.match(why('203.0.113.7', 'a.test'), /^A is looked up for AAAA: /)
})

test('a bad value is a problem at its place', () => {
  const table: readonly [string, string, RegExp][] = [
    ['clients: []', 'out-of-range 1:34', /clients is a list of 0; expected all, or a list of 1 to 1024/],
    ['clients: none', 'wrong-type 1:34', /clients is "none"; expected all, or a list/],
    ['clients: [10.0.0.1/8]', 'invalid-text 1:35', /clients\[0\] is "10\.0\.0\.1\/8": bits are set behind the first 8/],
    [
      'clients: [privat]',
      'invalid-text 1:35',
      /`privat` is not an IP address; expected an IP prefix, private or onLink/,
    ],
    ['clients: [private, office]', 'invalid-text 1:44', /clients\[1\] is "office"/],
    ['clients: 10.0.0.0/8', 'wrong-type 1:34', /expected all, or a list/],
    ['exceptClients: [10.0.0.0/33]', 'invalid-text 1:41', /the prefix length is a number from 0 to 32/],
    ['exceptClients: all', 'wrong-type 1:40', /expected a list of at most 1024/],
    ['zones: []', 'out-of-range 1:32', /zones is a list of 0; expected all, or a list of 1 to 1024/],
    ['zones: [a..b]', 'invalid-text 1:33', /zones\[0\] is "a\.\.b"/],
    ['zones: [.]', 'invalid-text 1:33', /zones\[0\] is "\."/],
    ['client: [private]', 'unknown-key 1:25', /client is not a setting/],
  ]
  for (const [text, expected, says] of table) {
    const { problems } = parseSettings(`guard: { aaaaFilter: {  ${text} } }`, 'f.yaml')
    assert.deepEqual(
      problems.map(({ code, line, column }) => `${code} ${line}:${column}`),
      [expected],
      text,
    )
    assert.match(problems[0]?.message ?? '', says)
  }
})

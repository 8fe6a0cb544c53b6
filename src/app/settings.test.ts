import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { members, type SectionShape, type Shape } from '../config/field.ts'
import { formatProblems } from '../config/problem.ts'
import { applyOverrides, parseSettings, rootSettings, type Settings } from './settings.ts'

function good(text: string): Settings {
  const { settings, problems } = parseSettings(text, 'f.yaml')
  assert.ok(settings, formatProblems(problems))
  return settings
}

/** `code line:column` of each problem. */
function problemsOf(text: string): string[] {
  return parseSettings(text, 'f.yaml').problems.map(({ code, line, column }) => `${code} ${line}:${column}`)
}

test('an empty file means the documented defaults', () => {
  const settings = good('')
  assert.deepEqual(settings.listen, [{ address: '127.0.0.1', port: 1053 }])
  assert.deepEqual(settings.upstreams, [{ kind: 'file', path: '/etc/resolv.conf', text: '/etc/resolv.conf' }])
  assert.deepEqual(settings.clusterDomains, ['cluster.local'])
  assert.equal(settings.searchSuffixes, 'auto')
  assert.deepEqual(settings.forward, {
    policy: 'fastest',
    replyWithin: 1900,
    attempts: 3,
    giveUpAfter: 6000,
    hedge: 'p95',
    budget: 'off',
    ca: 'system',
  })
  assert.deepEqual(settings.cache, {
    maxSize: 16 * 2 ** 20,
    maxTtl: 3_600_000,
    minTtl: 0,
    maxNegativeTtl: 30_000,
    noSoaTtl: 30_000,
    failureTtl: 5000,
    maxFailureTtl: 60_000,
    serveStale: 3_600_000,
    prefetch: true,
  })
  const { mode, ...rules } = settings.guard
  assert.equal(mode, 'enforce')
  const disabled = Object.entries(rules).filter(([, rule]) => rule.mode === 'disabled')
  assert.deepEqual(
    disabled.map(([name]) => name),
    ['aaaaFilter', 'rebinding'],
  )
  assert.deepEqual(settings.guard.acl.allow, ['private', 'onLink'])
  assert.deepEqual(settings.admin, { listen: { address: '127.0.0.1', port: 9453 } })
  assert.deepEqual(settings.tcp, { maxConnections: 512, maxConnectionsPerClient: 'off' })
})

test('settings are plain data: they survive the way to a worker', () => {
  const settings = good('guard: { localAnswers: { everything: {} } }')
  assert.deepEqual(structuredClone(settings), settings)
  const fixed = { a: '192.0.2.1', aaaa: '2001:db8::1', txt: 'off', ttl: 60_000, delay: 0, loss: 0 }
  assert.deepEqual(settings.guard.localAnswers.everything, fixed)
})

test('the example of the contract is accepted, with warnings for what is not built', () => {
  const text = `
listen: [127.0.0.1:1053]
threads: 1
upstreams: [192.168.1.1]
routes:
  - zones: [cluster.local, 233.10.in-addr.arpa]
    upstreams: [tcp://10.233.0.3]
clusterDomains: [cluster.local]
searchSuffixes: auto
forward: { policy: fastest, replyWithin: 1900ms, attempts: 3, giveUpAfter: 6s }
cache:   { maxSize: 16MiB, maxTtl: 1h, minTtl: 0s, maxNegativeTtl: 30s, noSoaTtl: 30s, failureTtl: 5s, serveStale: 1h, prefetch: true }
guard:
  acl:             { allow: [private, onLink] }
  rateLimit:       { rate: 500/s, burst: 1000, charge: misses, exempt: [] }
  localAnswers:    { records: ["db.lan. 300 IN A 10.0.0.5"], hosts: [] }
  searchSuffix:    { action: nxdomain }
  kubernetesNames: {}
  aaaaFilter:      { mode: disabled, except: [] }
  rebinding:       { mode: disabled, allow: [] }
loop:    { interval: 30s }
admin:   { listen: 127.0.0.1:9453 }
log:     { level: info, format: json, queries: errors }
metrics: { coredns: false }
`
  const settings = good(text)
  assert.deepEqual(settings.guard.aaaaFilter.except, [])
  assert.deepEqual(settings.routes[0]?.zones, ['cluster.local', '233.10.in-addr.arpa'])
  const { problems } = parseSettings(text, 'f.yaml')
  assert.deepEqual(
    problems.map(({ severity, message }) => `${severity} ${message.split(':')[0]}`),
    ['log.queries'].map((key) => `warning ${key}`),
  )
})

test('settings that contradict each other are found where they stand', () => {
  const route = (zones: string) => `- { zones: [${zones}], upstreams: [1.1.1.1] }`
  const table: readonly [string, readonly string[]][] = [
    ['forward: { replyWithin: 7s }', ['conflict 1:25']],
    ['forward: { replyWithin: 2s, giveUpAfter: 2s }', []],
    ['cache: { maxTtl: 1m, minTtl: 2m }', ['conflict 1:30']],
    [`routes:\n${route('a.b, A.B.')}\n${route('a.b')}`, ['listed-twice 2:18', 'listed-twice 3:13']],
    ['listen: [127.0.0.1:53, 127.0.0.1:53]', ['listed-twice 1:24']],
    ['listen: [0.0.0.0:9453]', ['conflict 1:1']],
    ['listen: ["[::]:9453"]', []],
    ['admin: { listen: 127.0.0.1:1053 }', ['conflict 1:18']],
    ['upstreams: [127.0.0.1:1053]', ['own-address 1:13']],
    ['routes: [{zones: [cluster.local, in-addr.arpa], upstreams: [1.1.1.1]}]', ['conflict 1:34']],
    ['routes: [{zones: [in-addr.arpa], upstreams: [1.1.1.1]}]', []],
    ['routes: [{zones: [cluster.local, 233.10.in-addr.arpa], upstreams: [1.1.1.1]}]', []],
    ['upstreams: [127.0.0.1]', []],
    ['upstreams: []', ['no-upstream 1:12']],
    ['upstreams: []\nguard: { localAnswers: { everything: {} } }', []],
    [
      'upstreams: [https://1.1.1.1/dns-query]\nlisten: [https://127.0.0.1:443]',
      ['not-built-yet 1:13', 'not-built-yet 2:10'],
    ],
    ['guard: { aaaaFilter: { zones: [a.cluster.local, cluster.local.org] } }', ['conflict 1:32']],
    ['guard: { aaaaFilter: { zones: [cluster.local], except: [] } }', []],
    [
      'guard: { aaaaFilter: { zones: [x.test, a.X.test, ax.test], except: [x.test] } }',
      ['conflict 1:32', 'conflict 1:40'],
    ],
    ['guard: { aaaaFilter: { except: [x.test] } }', []],
    ['forward: { replyWithin: 7s }\ncahce: {}', ['conflict 1:25', 'unknown-key 2:1']],
    ['clusterDomains: [.]', ['invalid-text 1:18']],
  ]
  for (const [text, expected] of table) assert.deepEqual(problemsOf(text), expected, text)
})

test('no value of any setting is more than a problem at its place', () => {
  const long = Array.from({ length: 300 }, (_, i) => `10.0.0.${i}`)
  const values = [null, true, -1, 1e99, 'x y', [], [[]], [{}], [null], {}, { x: 1 }, long, long.map(() => ({}))]
  for (const path of pathsIn(rootSettings)) {
    for (const value of values) {
      const text = JSON.stringify(path.reduceRight((inner: unknown, key) => ({ [key]: inner }), value))
      for (const { message, line, column } of parseSettings(text, 'f.yaml').problems) {
        assert.ok(line === 1 && column > 1, `${text.slice(0, 100)}: ${message}`)
      }
    }
  }
})

function pathsIn(shape: Shape<unknown>, above: readonly string[] = []): string[][] {
  const { fields = {} } = members(shape) as Partial<SectionShape>
  return Object.entries(fields).flatMap(([key, field]) => [[...above, key], ...pathsIn(field.shape, [...above, key])])
}

test('a list that is too long is a problem among others', () => {
  const list = (length: number, item: (i: number) => string) => Array.from({ length }, (_, i) => item(i)).join(', ')
  const upstreams = `upstreams: [${list(33, (i) => `10.0.0.${i}`)}]`
  assert.deepEqual(problemsOf(`${upstreams}\nforward: { replyWithin: 7s }`), ['out-of-range 1:12', 'conflict 2:25'])
  const routes = `routes: [${list(64, (i) => `{ zones: [z${i}], upstreams: [10.0.0.1] }`)}]`
  assert.deepEqual(problemsOf(routes), ['out-of-range 1:9'])
  assert.equal(good(routes.replace(/, [^,]*, [^,]*$/, ']')).routes.length, 63)
})

test('records are checked by the reader that is handed in', () => {
  const text = 'guard:\n  localAnswers:\n    records: ["a. A 1.2.3.4", "b. A x"]\n'
  const record = (one: string) => (one.endsWith('x') ? 'column 6: not an address' : undefined)
  const { problems } = parseSettings(text, 'f.yaml', { record })
  assert.deepEqual(
    problems.map(({ code, line, column }) => [code, line, column]),
    [['invalid-text', 3, 31]],
  )
  assert.match(problems[0]?.message ?? '', /records\[1\] is "b\. A x": column 6: not an address/)
})

test('every setting of every rule has an effect or says that it has none', () => {
  const problems = problemsOf('metrics: { coredns: true }\nlog: { format: coredns }')
  assert.deepEqual(problems, ['no-effect-yet 1:12', 'no-effect-yet 2:8'])
  assert.deepEqual(
    problemsOf('cache: { serveStale: 0s, prefetch: false }\nforward: { budget: 900/s }\nlog: { queries: off }'),
    [],
  )
})

test('flags win over the file', () => {
  const settings = good('upstreams: [9.9.9.9]\nadmin: { listen: 127.0.0.1:9000 }')
  const { settings: changed, problems } = applyOverrides(settings, {
    listen: ['127.0.0.1:5300,[::1]:5300', '127.0.0.2:5300'],
    upstream: 'tcp://1.1.1.1',
    admin: '127.0.0.1:9001',
  })
  assert.deepEqual(problems, [])
  assert.deepEqual(
    changed?.listen.map(({ address }) => address),
    ['127.0.0.1', '::1', '127.0.0.2'],
  )
  assert.deepEqual(
    changed?.upstreams.map(({ text }) => text),
    ['tcp://1.1.1.1'],
  )
  assert.equal(changed?.admin.listen.port, 9001)
  assert.deepEqual(changed?.cache, settings.cache)
  assert.deepEqual(applyOverrides(settings, {}), { settings, problems: [] })
})

test('a flag is checked as the file is, and problems name it', () => {
  const settings = good('')
  const said = (overrides: Parameters<typeof applyOverrides>[1]) => {
    const result = applyOverrides(settings, overrides)
    return [result.settings !== undefined, formatProblems(result.problems).split('\n')[0] ?? ''] as const
  }
  const table = [
    [{ listen: '127.0.0.1' }, false, /^--listen: listen\[0\] .*port is missing.*did you mean 127\.0\.0\.1:53\?$/],
    [{ upstream: 'https://1.1.1.1/' }, false, /^--upstream: .*not built yet/],
    [{ admin: 'x' }, false, /^--admin: admin is "x"/],
    [{ admin: '127.0.0.1:1053' }, false, /^--admin: admin\.listen is .* takes/],
    [{ listen: '127.0.0.1:9453' }, false, /^--listen: admin\.listen is .* takes/],
    [{ listen: '' }, false, /^--listen: /],
    [{ upstream: '127.0.0.1:1053' }, true, /^--upstream: warning: .* a loop$/],
  ] as const
  for (const [overrides, ok, first] of table) {
    const [isGood, line] = said(overrides)
    assert.equal(isGood, ok, JSON.stringify(overrides))
    assert.match(line, first)
  }
})

test('config/dnsweir.yaml has no problem and says what the defaults are', () => {
  const { settings, problems } = parseSettings(readFileSync('config/dnsweir.yaml'), 'config/dnsweir.yaml')
  assert.deepEqual(problems, [])
  assert.deepEqual(settings, good(''))
})

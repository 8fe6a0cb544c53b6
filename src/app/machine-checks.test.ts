import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { load } from './load.ts'
import type { World } from './world.ts'

const link = { address: 'fe80::7', netmask: 'ffff:ffff:ffff:ffff::', mac: '', internal: false, cidr: 'fe80::7/64' }
const files: Readonly<Record<string, string>> = {
  '/hosts': '10.0.0.7 nas.lan\n',
  '/odd': '# mine\n10.0.0.8 ok.lan a..b\n10.0.0 x.lan\n10.0.0.9\n',
  '/log': 'Nov 27 something happened\n'.repeat(500),
}
const world: World = {
  readText: (path) => files[path],
  interfaces: () => ({ eth0: [{ ...link, family: 'IPv6', scopeid: 2 }] }),
}

/** `code line:column message` of each problem that is no warning. */
function problemsOf(t: TestContext, text: string, overrides = {}): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'dnsweir-checks-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'c.yaml')
  writeFileSync(file, text)
  return load({ file, overrides }, world)
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ code, line, column, message, suggestion = '' }) => `${code} ${line}:${column} ${message} ${suggestion}`)
}

const records = (...list: string[]) => `guard:\n  acl: {}\n  localAnswers:\n    records: ${JSON.stringify(list)}\n`

const table: readonly [string, string, readonly RegExp[]][] = [
  ['an alias that leads elsewhere', records('a.lan. 60 IN CNAME b.other.'), []],
  [
    'an alias with other data',
    records('a.lan. CNAME b.lan.', 'a.lan. A 10.0.0.1', 'b.lan. A 10.0.0.1'),
    [/^rule-refuses 3:3 .*no other record/],
  ],
  ['a circle of aliases', records('a.lan. CNAME b.lan.', 'b.lan. CNAME a.lan.'), [/^rule-refuses 3:3 .*in a circle/]],
  ['an alias of a hosts name', `${records('a.lan. CNAME nas.lan.')}    hosts: [/hosts]\n`, []],
  [
    'an alias of a name of a file that is not there',
    `${records('a.lan. CNAME x.lan.')}    hosts: [/hosts, /none]\n`,
    [/^file-unreadable 5:21 guard\.localAnswers\.hosts\[1\]: \/none can't be read/],
  ],
  ['a rule that is off', 'guard: { localAnswers: { mode: disabled, hosts: [/none], records: [a. CNAME b.] } }', []],
  ['a record of another class', records('a.lan. 60 CH A \\# 4 0a000001'), [/^invalid-text 4:15 .*class/]],
  ['a record that is none', records('a.lan. A 1.2.3', 'b.lan. CNAME a.lan.'), [/^invalid-text 4:15 /]],
  ['no such interface', 'listen: ["127.0.0.1:53", "[fe80::1%nope]:53"]', [/^unknown-interface 1:26 .*nope/]],
  ['an interface by its number', 'listen: ["[fe80::1%2]:53"]', [/^unknown-interface 1:10 .* \[fe80::1%eth0\]:53$/]],
  ['an interface that is there', 'listen: ["[fe80::7%eth0]:53"]\nadmin: { listen: "[fe80::7%eth0]:9453" }', []],
  [
    'no such interface for admin',
    'admin: { listen: "[fe80::1%eth1]:9453" }',
    [/^unknown-interface 1:18 .* \[fe80::1%eth0\]:9453$/],
  ],
]

for (const [name, text, expected] of table) {
  test(`what a plan would refuse is found in the file: ${name}`, (t) => {
    const problems = problemsOf(t, text)
    assert.equal(problems.length, expected.length, problems.join('\n'))
    expected.forEach((one, i) => {
      assert.match(problems[i] as string, one)
    })
  })
}

test('too many servers in all are found at the first that has no place', (t) => {
  const servers = (net: number, count: number) => Array.from({ length: count }, (_, i) => `10.0.${net}.${i}`).join(', ')
  const route = (net: number, count: number) => `- { zones: [z${net}], upstreams: [${servers(net, count)}] }`
  const fits = `upstreams: [${servers(0, 30)}]\nroutes:\n${route(1, 2)}\n`
  assert.deepEqual(problemsOf(t, fits), [])
  const [problem, ...more] = problemsOf(t, `${fits}${route(2, 3)}\n`)
  assert.match(problem as string, /^out-of-range 4:30 .*more than 32 different servers/)
  assert.deepEqual(more, [])
})

test('all are found at once, beside what the schema finds', (t) => {
  const text = `listen: ["[fe80::1%x]:53"]\nforward: { attempts: 0 }\n${records('a. CNAME a.')}`
  const codes = problemsOf(t, text).map((problem) => problem.split(' ', 2).join(' '))
  assert.deepEqual(codes, ['unknown-interface 1:10', 'out-of-range 2:22', 'rule-refuses 5:3'])
})

test('what a flag says is checked, too', (t) => {
  const [problem] = problemsOf(t, '', { listen: '[fe80::1%x]:53' })
  assert.match(problem as string, /^unknown-interface 0:1 /)
})

test('lines of a hosts file that are passed over are warned of, with their place, and a file of another kind does not fill the screen', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'dnsweir-checks-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'c.yaml')
  const warnings = (hosts: string): string[] => {
    writeFileSync(file, `guard:\n  localAnswers:\n    hosts: ${hosts}\n`)
    const { settings, problems } = load({ file, overrides: {} }, world)
    assert.ok(settings, 'they are served without those lines')
    return problems
      .filter(({ code }) => code === 'hosts-line')
      .map((one) => `${one.severity} ${one.line}:${one.column} ${one.message}`)
  }
  assert.deepEqual(warnings('[/hosts, /odd]'), [
    'warning 3:21 guard.localAnswers.hosts[1]: /odd:2: "a..b" is not a host name',
    'warning 3:21 guard.localAnswers.hosts[1]: /odd:3: "10.0.0" is not an IP address',
    'warning 3:21 guard.localAnswers.hosts[1]: /odd:4: "10.0.0.9" has no name beside it',
  ])
  const log = warnings('[/log]')
  assert.equal(log.length, 11)
  assert.match(log.at(-1) as string, /\/log: and more lines like these$/)
})

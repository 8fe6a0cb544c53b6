import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryOf } from '../../test/support/query.ts'
import { LocalTable } from '../query/local-table.ts'
import { nameToText, wireName } from '../wire/text.ts'
import { build } from './build.ts'
import { zoneLabels } from './build-names.ts'
import { SetupError } from './load.ts'
import { parseSettings, type Settings } from './settings.ts'
import type { World } from './world.ts'

function settings(text: string): Settings {
  const parsed = parseSettings(text, 'test.yaml')
  assert.ok(parsed.settings, parsed.problems.map(({ message }) => message).join('\n'))
  return parsed.settings
}

const lan = { address: '192.168.1.7', netmask: '255.255.255.0', family: 'IPv4', mac: '', internal: false } as const

function world(files: Record<string, string> = {}): World {
  return {
    readText: (path) => files[path],
    interfaces: () => ({ eth0: [{ ...lan, cidr: '192.168.1.7/24' }] }),
  }
}

const names = (list: readonly Uint8Array[]): string[] => list.map((name) => nameToText(name))

test('routes share a server, and each has its place in one list', () => {
  const { plan } = build(
    settings(
      'upstreams: [9.9.9.9, "tcp://9.9.9.9", 10.0.0.1]\nroutes:\n- {zones: [A.lan, b.lan], upstreams: [10.0.0.1:53]}\n',
    ),
    7,
    world(),
  )
  assert.equal(plan.generation, 7)
  assert.deepEqual(
    plan.upstreams.map(({ name, transport, isPrivate }) => [name, transport, isPrivate]),
    [
      ['9.9.9.9:53', 'udp', false],
      ['tcp://9.9.9.9:53', 'tcp', false],
      ['10.0.0.1:53', 'udp', true],
    ],
  )
  assert.deepEqual(
    plan.routes.map(({ name, zones, upstreams }) => [name, names(zones), upstreams]),
    [
      ['.', ['.'], [0, 1, 2]],
      ['a.lan,b.lan', ['a.lan.', 'b.lan.'], [2]],
    ],
  )
  assert.deepEqual(plan.onLink, [{ bytes: Uint8Array.of(192, 168, 1, 0), length: 24 }])
})

test('a server keeps its place over reloads, so that its counters keep their name', () => {
  const first = build(settings('upstreams: [10.0.0.1, 10.0.0.2]'), 1, world()).plan
  const second = build(settings('upstreams: [10.0.0.3, 10.0.0.2]'), 2, world(), first).plan
  assert.deepEqual(
    second.upstreams.map(({ name }) => name),
    ['10.0.0.1:53', '10.0.0.2:53', '10.0.0.3:53'],
  )
  assert.deepEqual(second.routes[0]?.upstreams, [2, 1])
})

test('resolv.conf gives servers without ourselves, and suffixes without what the cluster appends', () => {
  const text =
    'nameserver 192.168.1.7\nnameserver 192.168.1.1\nsearch default.svc.cluster.local cluster.local example.org\n'
  const built = build(settings('listen: ["0.0.0.0:53"]\n'), 1, world({ '/etc/resolv.conf': text }))
  assert.deepEqual(
    built.plan.upstreams.map(({ name }) => name),
    ['192.168.1.1:53'],
  )
  assert.deepEqual(names(built.plan.searchSuffixes), ['example.org.'])
  assert.deepEqual([built.watched, built.warnings], [['/etc/resolv.conf'], []])
})

test('suffixes come from the system where no upstream is a file, and a list stands as it is', () => {
  const files = { '/etc/resolv.conf': 'search example.org\n' }
  const automatic = build(settings('upstreams: [10.0.0.1]'), 1, world(files))
  assert.deepEqual(names(automatic.plan.searchSuffixes), ['example.org.'])
  const listed = build(settings('upstreams: [10.0.0.1]\nsearchSuffixes: [x.test]'), 1, world(files))
  assert.deepEqual(names(listed.plan.searchSuffixes), ['x.test.'])
  assert.deepEqual(listed.watched, [])
})

test('a resolv.conf that names nobody any more keeps its servers and suffixes, and says so', () => {
  const text = 'nameserver 10.0.0.1\nsearch lan.example\n'
  const first = build(settings(''), 1, world({ '/etc/resolv.conf': text }))
  for (const files of [{}, { '/etc/resolv.conf': '' }, { '/etc/resolv.conf': 'nameserver 127.0.0' }]) {
    const next = build(settings(''), 2, world(files), first.plan, undefined, first.known)
    assert.deepEqual({ ...next.plan, generation: 1 }, first.plan)
    assert.match(next.warnings.join(), /^\/etc\/resolv\.conf .*; the servers it named stay: 10\.0\.0\.1:53$/)
    assert.deepEqual(next.known, first.known)
  }
})

test('zones that are probed for loops: suffixes, cluster domains, reverse zones of our networks', () => {
  const { plan } = build(settings('searchSuffixes: [lan.example]'), 1, world())
  assert.deepEqual(names(plan.loopZones), [
    ...['lan.example.', 'cluster.local.', '1.168.192.in-addr.arpa.', '10.in-addr.arpa.', '168.192.in-addr.arpa.'],
  ])
})

test('an interface that came back with another index is used by that', () => {
  const scoped = (scopeid: number): World => ({
    readText: () => undefined,
    interfaces: () => ({
      eth0: [
        { address: 'fe80::7', netmask: '', family: 'IPv6', mac: '', internal: false, cidr: 'fe80::7/64', scopeid },
      ],
    }),
  })
  const first = build(settings('upstreams: ["fe80::1%eth0"]'), 1, scoped(2))
  const second = build(settings('upstreams: ["fe80::1%eth0"]'), 2, scoped(9), first.plan)
  assert.deepEqual(
    [first, second].map(({ plan }) => plan.upstreams.map(({ scope }) => scope)),
    [[2], [9]],
  )
})

test('without a readable resolv.conf there is a plan, a warning, and a file to wait for', () => {
  for (const [files, warning] of [
    [{}, /can't be read/],
    [{ '/etc/resolv.conf': 'nameserver 127.0.0.1\n' }, /nobody but ourselves \(127\.0\.0\.1\)/],
    [{ '/etc/resolv.conf': '# none\n' }, /names no server/],
  ] as const) {
    const built = build(settings('listen: ["127.0.0.1:53"]\n'), 1, world(files))
    assert.deepEqual(built.plan.routes[0]?.upstreams, [])
    assert.match(built.warnings[0] ?? '', warning)
    assert.deepEqual(built.watched, ['/etc/resolv.conf'])
  }
})

test('hosts files are watched, and none of them while their rule is off', () => {
  const text = (mode: string) => `upstreams: []\nguard: {localAnswers: {mode: ${mode}, hosts: [/h]}}\n`
  const on = build(settings(text('enforce')), 1, world({ '/h': '10.0.0.7 NAS.lan nas\n' }))
  const table = new LocalTable(on.plan.local)
  const isLocal = (name: string) => table.labelOf(queryOf(name)) !== -1
  assert.deepEqual(['x.nas.lan', 'nas', 'lan', 'localhost'].map(isLocal), [true, true, false, false])
  assert.deepEqual(on.watched, ['/etc/resolv.conf', '/h'])
  const off = build(settings(text('disabled')), 1, world())
  assert.deepEqual([off.plan.local, off.watched], [undefined, ['/etc/resolv.conf']])
})

test('cluster domains have the labels of their rows in the bill, and keep them; without a row one is counted with the others', () => {
  const [suffix, first, second] = ['example.org', 'cluster.local', 'k8s'].map(wireName) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  assert.deepEqual(zoneLabels([suffix, first, second], [second, first]), [undefined, undefined, 'cluster.local', 'k8s'])
  assert.deepEqual(zoneLabels([suffix, first, second], [second]), [undefined, undefined, undefined, 'k8s'])
  assert.deepEqual(zoneLabels([suffix], [first]), ['other', undefined])
})

test('a hosts file that is not there, and too many servers, are sentences', () => {
  const missing = settings('upstreams: []\nguard: {localAnswers: {hosts: [/none]}}\n')
  assert.throws(() => build(missing, 1, world()), new SetupError("guard.localAnswers.hosts: /none can't be read"))
  const many = Array.from({ length: 32 }, (_, i) => `10.0.0.${i}`).join(', ')
  const text = `upstreams: [${many}]\nroutes: [{zones: [a.test], upstreams: [10.1.1.1]}]\n`
  assert.throws(() => build(settings(text), 1, world()), /more than 32 different servers/)
})

test('guard.mode observe leaves acl alone; disabled rules are absent; TTLs are whole seconds', () => {
  const text =
    'tcp: {maxConnections: 9, maxConnectionsPerClient: 4}\n' +
    'upstreams: []\nguard: {mode: observe, rateLimit: {mode: disabled}}\ncache: {minTtl: 500ms, maxTtl: 90s}\n'
  const { plan } = build(settings(text), 1, world())
  assert.deepEqual(
    plan.rules.map(({ name, mode }) => `${name} ${mode}`),
    ['acl enforce', 'localAnswers observe', 'searchSuffix observe', 'kubernetesNames observe', 'cut observe'],
  )
  assert.deepEqual([plan.cache.minTtl, plan.cache.maxTtl], [1, 90])
  assert.deepEqual(plan.streams, { connectionsMax: 9, connectionsPerAddressMax: 4, tls: undefined })
  assert.deepEqual(build(settings(''), 1, world()).plan.streams.connectionsPerAddressMax, 0)
})

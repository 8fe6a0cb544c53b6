import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { guardOf } from '../../../test/support/guard.ts'
import { queryOfWire } from '../../../test/support/query.ts'
import { Query } from '../../query/query.ts'
import { PASS, REPLY } from '../../query/verdict.ts'

type Name = readonly string[]

const { constantFrom, integer, stringMatching, tuple, oneof, array } = fc

/** RFC 1123 labels, as Kubernetes wants them for namespaces, services since KEP-5311, and host names of pods. */
const label = oneof(
  stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/),
  constantFrom('svc', 'pod', 'dns', 'ns', 'pin', 'prefer', 'com', '0', 'cluster', 'local', 'x'.repeat(63)),
)
const port = oneof(
  stringMatching(/^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/).map((name) => `_${name}`),
  constantFrom('_http', '_dns-tcp', '_svc'),
)
const protocol = constantFrom('_tcp', '_udp', '_sctp')
const byte = integer({ min: 0, max: 255 })
const ipv4 = array(byte, { minLength: 4, maxLength: 4 }).map((bytes) => bytes.join('-'))
const ipv6 = array(integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }).map((words) =>
  words.map((word) => word.toString(16)).join('-'),
)
const address = oneof(ipv4, ipv6, constantFrom('fd00--1', '--1'))
const service = tuple(label, label, fc.constant('svc'))

/** Names that Kubernetes DNS 1.1.0 or CoreDNS publish, or that are the target of a PTR record there. */
const published = oneof(
  constantFrom<Name>([], ['svc'], ['pod'], ['dns-version'], ['ns', 'dns'], ['dns']),
  tuple(label, constantFrom('svc', 'pod')),
  service,
  tuple(oneof(label, address), service).map(([host, rest]) => [host, ...rest]),
  tuple(port, protocol, service).map(([a, b, rest]) => [a, b, ...rest]),
  tuple(protocol, service).map(([a, rest]) => [a, ...rest]),
  tuple(array(label, { maxLength: 3 }), address, label).map(([left, ip, namespace]) => [...left, ip, namespace, 'pod']),
)
const pinned = tuple(array(label, { maxLength: 4 }), constantFrom('pin', 'prefer'), service).map(
  ([zone, how, rest]): Name => [...zone, how, '_zone', ...rest],
)
const endpoints = tuple(label, label, service).map(([host, cluster, rest]): Name => [host, cluster, ...rest])

function wire(name: Name): Uint8Array {
  return Uint8Array.from([...name.flatMap((one) => [one.length, ...Buffer.from(one, 'latin1')]), 0])
}

const clusterDomains = ['cluster.local', 'k8s', 'clusterset.local', 'east.cluster.local']
const zone = constantFrom(...clusterDomains.map((text) => text.split('.')))
const fits = (name: Name): boolean => wire(name).length <= 255

function check(settings: Readonly<Record<string, unknown>>): (name: Name) => number {
  const { guard } = guardOf({ rules: { kubernetesNames: settings }, clusterDomains })
  const query = new Query()
  return (name) => guard.check(queryOfWire(wire(name), 1, {}, query))
}

test('no name that Kubernetes publishes is ever denied', () => {
  for (const settings of [{}, { strict: 'all' }, { strict: 'all', denyBarePorts: false, pinNames: true }]) {
    const verdict = check(settings)
    fc.assert(
      fc.property(published, zone, (left, z) => {
        fc.pre(fits([...left, ...z]))
        assert.equal(verdict([...left, ...z]), PASS)
      }),
      { numRuns: 5000, seed: 1 },
    )
  }
})

test('nor is a name with a pinned zone, where the operator has such, nor an endpoint of several clusters', () => {
  const allowed = check({ strict: 'all', pinNames: true })
  fc.assert(
    fc.property(pinned, zone, (left, z) => {
      fc.pre(fits([...left, ...z]))
      assert.equal(allowed([...left, ...z]), PASS)
    }),
    { numRuns: 3000, seed: 2 },
  )
  const several = check({ strict: 'all', multiCluster: ['k8s', 'clusterset.local'] })
  fc.assert(
    fc.property(endpoints, constantFrom(['k8s'], ['clusterset', 'local']), (left, z) => {
      fc.pre(fits([...left, ...z]))
      assert.equal(several([...left, ...z]), PASS)
    }),
    { numRuns: 3000, seed: 3 },
  )
})

/** The table of the schema word by word, slow and obvious, for any labels. */
function isPossible(left: Name): boolean {
  const name = left.join('/')
  if (/^(|svc|pod|dns-version|dns|ns\/dns)$/.test(name) || left.at(-1) === 'pod') return true
  if (left.at(-1) !== 'svc') return false
  return left.length <= 4 || (left.length === 5 && /^_/.test(left[0] as string) && /^_/.test(left[1] as string))
}

test('any name: what is denied is what the schema has no place for', () => {
  const odd = constantFrom(
    'svc',
    'pod',
    'dns',
    'ns',
    'dns-version',
    '_zone',
    'pin',
    '_tcp',
    '_',
    'a.svc',
    '.',
    'com',
    '\0',
  )
  const verdict = check({ strict: 'all' })
  const seen = { passed: 0, denied: 0 }
  fc.assert(
    fc.property(array(odd, { maxLength: 8 }), constantFrom(['cluster', 'local'], ['k8s']), (left, z) => {
      const expected = isPossible(left)
      seen[expected ? 'passed' : 'denied']++
      assert.equal(verdict([...left, ...z]), expected ? PASS : REPLY)
    }),
    { numRuns: 20_000, seed: 4 },
  )
  assert.ok(seen.passed > 1000 && seen.denied > 1000, `both are met: ${seen.passed} passed, ${seen.denied} denied`)
})

test('the longest name is decided quickly', () => {
  const verdict = check({ strict: 'all' })
  const name = [...new Array<string>(119).fill('a'), 'cluster', 'local']
  const from = performance.now()
  for (let i = 0; i < 1000; i++) assert.equal(verdict(name), REPLY)
  assert.ok((performance.now() - from) / 1000 < 1, 'far below a turn')
})

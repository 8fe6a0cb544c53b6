import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { guardPlan } from '../../../test/support/guard.ts'
import { type QueryParts, queryOf } from '../../../test/support/query.ts'
import { seededRandom } from '../../base/random.ts'
import { LocalTable } from '../../query/local-table.ts'
import { NameSet } from '../../query/name-set.ts'
import { bucketBytes } from './buckets.ts'
import { Domains } from './domains.ts'
import { levelsOf } from './levels.ts'
import { Limiter, limiterBytes, limiterKey } from './limiter.ts'
import type { RateLimitSettings } from './settings.ts'

function settingsOf(written: Record<string, unknown> = {}): RateLimitSettings {
  return guardPlan({ rules: { rateLimit: written } }).rules[0]?.settings as RateLimitSettings
}

const none = new NameSet([])
const domains = new Domains({
  clusterDomains: none,
  searchSuffixes: none,
  routeZones: none,
  localNames: new LocalTable(),
  servedBelow: none,
})

/** So many shards on one memory. */
function shards(count: number, written: Record<string, unknown>): Limiter[] {
  const settings = settingsOf(written)
  const memory = new SharedArrayBuffer(limiterBytes(settings))
  return Array.from({ length: count }, (_, i) => new Limiter(memory, settings, domains, seededRandom(i + 1)))
}

const one = (written: Record<string, unknown>): Limiter => shards(1, written)[0] as Limiter

function passed(limiter: Limiter, names: readonly string[], parts: QueryParts = {}): number {
  return names.filter((name) => limiter.take(queryOf(name, 'A', parts), 0) === undefined).length
}

const below = (domain: string, count: number): string[] => Array.from({ length: count }, (_, i) => `u${i}.${domain}`)
const domainsBelow = (tag: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `u.d${i}${tag}.test`)

test('the levels are Knot’s, over what one client may ask in all', () => {
  const levels = levelsOf(settingsOf({ rate: '10/s', burst: 20 }))
  const [named, ...whole] = levels.map(({ prefix, byName, rate, burst }) => ({ prefix, byName, rate, burst }))
  assert.deepEqual(named, { prefix: { v4: 32, v6: 64 }, byName: true, rate: 10, burst: 20 })
  const multipliers = (family: 'v4' | 'v6') =>
    whole.flatMap(({ prefix, byName, rate, burst }) =>
      prefix[family] === undefined ? [] : [[prefix[family], byName, rate / 40, burst / 80]],
    )
  assert.deepEqual(multipliers('v4'), [
    [32, false, 1, 1],
    [24, false, 32, 32],
    [20, false, 256, 256],
    [18, false, 768, 768],
  ])
  assert.deepEqual(multipliers('v6'), [
    [128, false, 1, 1],
    [64, false, 2, 2],
    [56, false, 3, 3],
    [48, false, 4, 4],
    [32, false, 64, 64],
  ])
})

test('what limits nobody is left out, and no bucket can wrap around', () => {
  const levels = levelsOf(settingsOf({ rate: '1000000/s', burst: 10_000_000, clientFactor: 1000 }))
  assert.deepEqual(
    levels.map(({ byName, rate }) => [byName, rate]),
    [[true, 1_000_000]],
  )
  for (const { burst } of levelsOf(settingsOf({ rate: '1/s', burst: 10_000_000 }))) assert.ok(burst <= 2 ** 29)
})

test('a flood below one domain leaves the other names of its client alone', () => {
  const limiter = one({ rate: '1/s', burst: 10 })
  assert.equal(passed(limiter, below('flood.test', 10_000)), 10)
  assert.equal(limiter.take(queryOf('u1.flood.test'), 0)?.byName, true)
  assert.equal(passed(limiter, below('good.test', 8)), 8)
  assert.equal(passed(limiter, below('flood.test', 8), { client: '10.0.0.9' }), 8, 'another client')
  assert.equal(passed(limiter, below('flood.test', 20), { receivedAt: 1_005_000 }), 5, 'five seconds later')
})

test('a flood over 10,000 domains is held back by what its client may ask in all', () => {
  for (const [client, factor] of [
    ['10.0.0.1', 4],
    ['2001:db8::1', 4],
  ] as const) {
    const limiter = one({ rate: '1/s', burst: 10 })
    assert.equal(passed(limiter, domainsBelow('a', 10_000), { client }), 10 * factor, client)
    assert.equal(limiter.take(queryOf('other.test', 'A', { client }), 0)?.byName, false)
    assert.equal(passed(limiter, ['other.test'], { client: '10.9.9.9' }), 1, 'another client')
  }
})

test('who changes addresses in a network is held back by the network', () => {
  const limiter = one({ rate: '1/s', burst: 10 })
  let v6 = 0
  let v4 = 0
  for (let host = 1; host < 200; host++) {
    v6 += passed(limiter, domainsBelow(`s${host}`, 40), { client: `2001:db8::${host.toString(16)}` })
    v4 += passed(limiter, domainsBelow(`f${host}`, 40), { client: `192.0.2.${host}` })
  }
  assert.deepEqual([v6, v4], [2 * 40, 32 * 40])
  assert.equal(passed(limiter, ['x.test'], { client: '2001:db8:0:1::1' }), 1, 'the next /64')
  assert.equal(passed(limiter, ['x.test'], { client: '192.0.3.1' }), 1, 'the next /24')
})

test('clients are one by their prefix, below each domain', () => {
  const limiter = one({ rate: '1/s', burst: 1, prefixV4: 24, prefixV6: 56 })
  const asked = [
    ['10.0.0.1', true],
    ['10.0.0.255', false],
    ['10.0.1.1', true],
    ['::ffff:10.0.1.2', false],
    ['2001:db8:0:ff::1', true],
    ['2001:db8::1', false],
    ['2001:db8:0:100::1', true],
    ['::1', true],
  ] as const
  for (const [client, passes] of asked) assert.equal(passed(limiter, ['x.test'], { client }) === 1, passes, client)
})

test('shared: by domain for all clients, and all together have an end too', () => {
  const limiter = one({ rate: '1/s', burst: 10, shared: true })
  let given = 0
  for (let host = 1; host < 100; host++) given += passed(limiter, below('a.test', 1), { client: `10.0.0.${host}` })
  assert.equal(given, 10)
  assert.equal(passed(limiter, below('b.test', 8), { client: '10.0.0.1' }), 8)
  assert.equal(passed(limiter, domainsBelow('x', 1000), { client: '2001:db8::1' }), 40 - 18)
})

test('a refusal charges no level: neither the client for its domain, nor the domain for its client', () => {
  const limiter = one({ rate: '1/s', burst: 10, clientFactor: 2 })
  assert.equal(passed(limiter, below('a.test', 1000)), 10)
  assert.equal(passed(limiter, below('b.test', 9)), 9)
  assert.equal(passed(limiter, [...below('c.test', 1), ...below('d.test', 100)]), 1, 'one is left for the client')
  const later = { receivedAt: 1_000_500 }
  assert.equal(passed(limiter, below('d.test', 100), later), 1, 'refusals took none of d.test’s')
})

test('a dry query takes nothing and hears the same', () => {
  const limiter = one({ rate: '1/s', burst: 2 })
  const names = ['a.test', 'a.test', 'a.test', 'a.test']
  assert.equal(passed(limiter, names, { dry: true }), 4)
  assert.equal(passed(limiter, names), 2)
  assert.equal(passed(limiter, names, { dry: true }), 0)
})

test('two lanes know nothing of each other', () => {
  const limiter = one({ rate: '1/s', burst: 10 })
  assert.equal(passed(limiter, below('a.test', 100)), 10)
  assert.equal(below('a.test', 100).filter((name) => limiter.take(queryOf(name), 1) === undefined).length, 10)
})

test('over two shards no bucket gives more than burst + rate × time, rounded up', () => {
  const names = ['x.a.test', 'y.a.test', 'x.b.test', 'x.c.test']
  const clients = ['10.0.0.1', '10.0.0.2', '2001:db8::1', '2001:db8::2']
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(1), fc.nat(3), fc.nat(3), fc.double({ min: 0, max: 20, noNaN: true })), {
        maxLength: 250,
      }),
      (rate, burst, clientFactor, shared, steps) => {
        const pair = shards(2, { rate: `${rate}/s`, burst, clientFactor, shared })
        const granted = new Map<string, number[]>()
        let at = 1_000_000
        for (const [shard, name, client, pause] of steps) {
          at += pause
          const query = queryOf(names[name] as string, 'A', { client: clients[client] as string, receivedAt: at })
          if ((pair[shard] as Limiter).take(query, 0) !== undefined) continue
          // By default IPv6 clients of one /64 are one, to the buckets by domain.
          const who = shared ? 'all' : (['1', '2', 'v6', 'v6'][client] as string)
          const domain = ['a', 'a', 'b', 'c'][name]
          for (const key of [`${who} ${domain}`, shared ? 'all' : `whole ${clients[client]}`]) {
            granted.set(key, [...(granted.get(key) ?? []), at])
          }
        }
        for (const [key, times] of granted) {
          const factor = key === 'all' || key.startsWith('whole') ? clientFactor : 1
          for (let i = 0; i < times.length; i++) {
            for (let j = i; j < times.length; j++) {
              const seconds = ((times[j] as number) - (times[i] as number)) / 1000
              const most = factor * burst + Math.ceil(factor * rate * seconds + 1e-4)
              assert.ok(j - i + 1 <= most, `${key}: ${j - i + 1} in ${seconds} s`)
            }
          }
        }
      },
    ),
    { numRuns: 300, seed: 3 },
  )
})

test('its memory is fixed and stated, and what it means is in its key', () => {
  const usual = settingsOf()
  assert.equal(limiterBytes(usual), 64 + usual.buckets * bucketBytes * 1.5)
  assert.equal(limiterBytes(settingsOf({ shared: true })), 64 + usual.buckets * bucketBytes + 4 * bucketBytes)
  const changes = [
    ...[{ rate: '1/s' }, { burst: 1 }, { buckets: 1024 }, { clientFactor: 5 }, { shared: true }],
    ...[{ prefixV4: 24 }, { prefixV6: 48 }],
  ]
  const keys = changes.map((change) => limiterKey(settingsOf(change)))
  assert.equal(new Set([limiterKey(usual), ...keys]).size, changes.length + 1)
  assert.equal(limiterKey(settingsOf({ exempt: ['10.0.0.0/8'], over: 'drop', slip: 3 })), limiterKey(usual))
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReplyParts } from '../../test/support/message.ts'
import { query as message, parse, reply } from '../../test/support/message.ts'
import { hashBytes, hashEnd } from '../base/hash.ts'
import { viewOf } from '../base/octets.ts'
import { seededRandom } from '../base/random.ts'
import { emptyPlan } from '../link/plan-data.ts'
import { Draft } from '../query/draft.ts'
import { Rebuilt } from '../wire/rebuild.ts'
import { nameFromText } from '../wire/text.ts'
import { Cache } from './cache.ts'
import { cacheSeconds, failureSeconds } from './cacheable.ts'
import type { CacheKey } from './entry.ts'
import { CACHE_EXPIRED, CACHE_HIT, CACHE_MISS, CACHE_NEGATIVE, CACHE_STALE } from './found.ts'

function keyFor(name: string, type = 1, extra: Partial<CacheKey> = {}): CacheKey {
  const bytes = nameFromText(name) as Uint8Array
  return {
    name: bytes,
    view: viewOf(bytes),
    nameLength: bytes.length,
    hash: hashBytes(9, bytes, 0, bytes.length),
    type,
    dnssec: 0,
    route: 0,
    ...extra,
  }
}

function answerTo(name: string, parts: ReplyParts): Rebuilt {
  const bytes = reply(parse(message(name)), parts)
  const key = keyFor(name)
  const work = new Rebuilt()
  work.read(bytes, 0, bytes.length, key.name, key.nameLength, 1)
  return work
}

const settings = { ...emptyPlan.cache }
const draft = new Draft()

describe('Cache', () => {
  it('gives back what was kept until it expires, and its age', () => {
    const cache = new Cache(1 << 20)
    cache.put(keyFor('a.test'), answerTo('a.test', { answers: ['a.test 60 A 192.0.2.1'] }), 0, 60_000, 1000)
    assert.equal(cache.get(keyFor('a.test'), 11_500, draft), CACHE_HIT)
    assert.deepEqual([draft.age, draft.answers, draft.length, draft.ttlCount], [10, 1, 16, 1])
    assert.equal(cache.get(keyFor('a.test'), 61_001, draft), CACHE_MISS)
  })

  it('peeks: the same, how long is left, and what is over', () => {
    const cache = new Cache(1 << 20)
    assert.equal(cache.peek(keyFor('a.test'), 0, draft), CACHE_MISS)
    cache.put(keyFor('a.test'), answerTo('a.test', { answers: ['a.test 60 A 192.0.2.1'] }), 0, 60_000, 1000)
    assert.equal(cache.peek(keyFor('a.test'), 11_500, draft), CACHE_HIT)
    assert.deepEqual([draft.age, draft.answers, cache.msLeft], [10, 1, 49_500])
    assert.equal(cache.peek(keyFor('a.test'), 61_000, draft), CACHE_EXPIRED)
    assert.equal(cache.peek(keyFor('a.test', 28), 11_500, draft), CACHE_MISS)
  })

  it('moves nothing up by a peek: what was used longest ago goes first', () => {
    const answer = answerTo('a.test', { answers: ['a.test 60 A 192.0.2.1'] })
    const goesFirst = (look: 'get' | 'peek'): boolean => {
      const cache = new Cache(0)
      cache.put(keyFor('first.test'), answer, 0, 60_000, 0)
      for (let i = 0; i < 63; i++) cache.put(keyFor(`n${i}.test`), answer, 0, 60_000, 0)
      assert.equal(cache[look](keyFor('first.test'), 1, draft), CACHE_HIT)
      cache.put(keyFor('last.test'), answer, 0, 60_000, 0)
      return cache.get(keyFor('first.test'), 1, draft) === CACHE_MISS
    }
    assert.deepEqual([goesFirst('get'), goesFirst('peek')], [false, true])
  })

  it('never mixes DO, CD, routes, types or names', () => {
    const cache = new Cache(1 << 20)
    const answer = answerTo('a.test', { answers: ['a.test 60 A 192.0.2.1'] })
    cache.put(keyFor('a.test'), answer, 0, 60_000, 0)
    const others = [
      keyFor('b.test'),
      keyFor('a.test', 28),
      keyFor('a.test', 1, { dnssec: 1 }),
      keyFor('a.test', 1, { dnssec: 2 }),
      keyFor('a.test', 1, { route: 77 }),
    ]
    for (const other of others) assert.equal(cache.get(other, 1, draft), CACHE_MISS)
  })

  it('compares full keys: a hash collision is a miss', () => {
    const cache = new Cache(1 << 20)
    cache.put(
      keyFor('a.test', 1, { hash: 5 }),
      answerTo('a.test', { answers: ['a.test 60 A 192.0.2.1'] }),
      0,
      60_000,
      0,
    )
    assert.equal(cache.get(keyFor('b.test', 1, { hash: 5 }), 1, draft), CACHE_MISS)
  })

  it('keeps entries that span blocks whole, and refuses one above the limit', () => {
    const cache = new Cache(1 << 20)
    const answers = Array.from({ length: 60 }, (_, i) => `a.test 60 A 192.0.2.${i}`)
    cache.put(keyFor('a.test'), answerTo('a.test', { answers }), 0, 60_000, 0)
    assert.equal(cache.get(keyFor('a.test'), 1, draft), CACHE_HIT)
    assert.deepEqual([draft.answers, draft.length, draft.rotateCount], [60, 60 * 16, 60])
    assert.equal(draft.bytes[draft.at + 59 * 16 + 15], 59)
    const tiny = new Cache(1)
    const large = Array.from({ length: 900 }, (_, i) => `a.test 60 A 192.${i >> 8}.2.${i & 255}`)
    assert.equal(tiny.put(keyFor('a.test'), answerTo('a.test', { answers: large }), 0, 60_000, 0), false)
    const huge = Array.from({ length: 1200 }, (_, i) => `a.test 60 A 192.${i >> 8}.2.${i & 255}`)
    assert.equal(cache.put(keyFor('a.test'), answerTo('a.test', { answers: huge }), 0, 60_000, 0), false)
  })

  it('stays within its bytes whatever comes, and gives back only right answers', () => {
    const cache = new Cache(256 * 1024)
    const random = seededRandom(42)
    const kept = new Map<string, number>()
    for (let i = 0; i < 20_000; i++) {
      const name = `n${hashEnd(random.u32()) % 3000}.test`
      const size = 1 + (random.u32() % 30)
      if (random.u32() % 2) {
        const answers = Array.from({ length: size }, (_, k) => `${name} 60 A 192.0.2.${k}`)
        cache.put(keyFor(name), answerTo(name, { answers }), 0, 60_000, 0)
        kept.set(name, size)
      } else if (cache.get(keyFor(name), 1, draft) !== CACHE_MISS) assert.equal(draft.answers, kept.get(name))
      assert.ok(cache.bytes <= 256 * 1024)
    }
    assert.ok(cache.evicted > 0 && cache.entries > 100)
  })

  it('keeps what fits when its share changes', () => {
    const cache = new Cache(1 << 20)
    for (let i = 0; i < 1000; i++) {
      cache.put(keyFor(`n${i}.test`), answerTo(`n${i}.test`, { answers: [`n${i}.test 60 A 192.0.2.1`] }), 0, 60_000, 0)
    }
    cache.resize(64 * (192 + 124))
    assert.equal(cache.entries, 64)
    assert.equal(cache.get(keyFor('n999.test'), 1, draft), CACHE_HIT)
    cache.resize(1 << 20)
    assert.equal(cache.entries, 64)
    assert.equal(cache.get(keyFor('n999.test'), 1, draft), CACHE_HIT)
    assert.deepEqual([draft.answers, draft.length], [1, 16])
  })

  describe('what is over', () => {
    const hour = 3_600_000
    const oneOver = (parts: ReplyParts = { answers: ['a.test 60 A 192.0.2.1'] }): Cache => {
      const cache = new Cache(1 << 20)
      cache.staleMsMax = hour
      cache.put(keyFor('a.test'), answerTo('a.test', parts), 0x20, 60_000, 1000)
      return cache
    }

    it('serves for a while when nobody answers, with TTL 30 and without AD', () => {
      const cache = oneOver()
      assert.equal(cache.stale(keyFor('a.test'), 60_999, draft), CACHE_HIT)
      assert.deepEqual([draft.staleTtl, draft.flags], [0, 0x20])
      assert.equal(cache.stale(keyFor('a.test'), 61_000, draft), CACHE_STALE)
      assert.deepEqual([draft.staleTtl, draft.flags, draft.answers], [30, 0, 1])
      assert.equal(cache.stale(keyFor('a.test'), 60_999 + hour, draft), CACHE_STALE)
      assert.equal(cache.stale(keyFor('a.test'), 61_000 + hour, draft), CACHE_MISS)
    })

    it('is a miss that knows of it, until it is paused', () => {
      const cache = oneOver()
      assert.deepEqual([cache.get(keyFor('a.test'), 61_000, draft), cache.hasStale], [CACHE_MISS, true])
      cache.pause(keyFor('a.test'), 91_000)
      assert.deepEqual([cache.get(keyFor('a.test'), 90_999, draft), cache.hasStale], [CACHE_STALE, false])
      assert.equal(draft.staleTtl, 30)
      assert.equal(cache.get(keyFor('a.test'), 91_000, draft), CACHE_MISS)
      cache.staleMsMax = 0
      assert.deepEqual([cache.get(keyFor('a.test'), 61_000, draft), cache.hasStale], [CACHE_MISS, false])
    })

    it('does so where it takes several blocks, too', () => {
      const cache = oneOver({ answers: Array.from({ length: 60 }, (_, i) => `a.test 60 A 192.0.2.${i}`) })
      cache.pause(keyFor('a.test'), 91_000)
      assert.equal(cache.get(keyFor('a.test'), 90_999, draft), CACHE_STALE)
      assert.equal(draft.answers, 60)
    })

    it('is nothing where it was a denial or a failure', () => {
      for (const rcode of [3, 2]) {
        const cache = oneOver({ rcode })
        assert.equal(cache.stale(keyFor('a.test'), 2000, draft), CACHE_MISS)
        assert.deepEqual([cache.get(keyFor('a.test'), 61_000, draft), cache.hasStale], [CACHE_MISS, false])
      }
    })

    it('is forgotten when it is dropped, and nothing else is', () => {
      const cache = oneOver()
      cache.drop(keyFor('a.test', 28))
      assert.equal(cache.serves(keyFor('a.test'), 61_000, true), true)
      cache.drop(keyFor('a.test'))
      assert.deepEqual([cache.serves(keyFor('a.test'), 61_000, true), cache.entries], [false, 0])
    })
  })

  it('counts failures in a row until they are long over', () => {
    const cache = new Cache(1 << 20)
    const failure = answerTo('a.test', { rcode: 2 })
    assert.equal(cache.strikes(keyFor('a.test'), 0), 0)
    cache.put(keyFor('a.test'), failure, 0, 5000, 0)
    assert.deepEqual([cache.strikes(keyFor('a.test'), 6000), cache.strikes(keyFor('a.test'), 10_001)], [1, 0])
    cache.put(keyFor('a.test'), failure, 0, 10_000, 6000, 1)
    assert.equal(cache.strikes(keyFor('a.test'), 17_000), 2)
    assert.equal(cache.serves(keyFor('a.test'), 7000, true), false)
  })

  it('tells once of an answer that is hot and in the last tenth of its life', () => {
    const cache = new Cache(1 << 20)
    const dueAt = (now: number): boolean => cache.get(keyFor('a.test'), now, draft) === CACHE_HIT && cache.isDue
    cache.put(keyFor('a.test'), answerTo('a.test', { answers: ['a.test 60 A 192.0.2.1'] }), 0, 60_000, 0)
    assert.deepEqual([55_000, 55_001, 55_002, 55_003, 53_000].map(dueAt), [false, false, false, false, false])
    assert.deepEqual([54_001, 59_000].map(dueAt), [true, true])
    cache.markRefreshed()
    assert.equal(dueAt(59_500), false)
  })

  it('hands an entry to another shard', () => {
    const [one, other] = [new Cache(1 << 20), new Cache(1 << 20)]
    const key = keyFor('a.test')
    one.put(key, answerTo('a.test', { answers: ['a.test 60 A 192.0.2.7'] }), 0, 60_000, 1000)
    const entry = one.export(key) as Uint8Array
    other.import(entry, 0, entry.length, key)
    assert.equal(other.get(key, 5000, draft), CACHE_HIT)
    assert.deepEqual([draft.age, draft.bytes[draft.at + 15]], [4, 7])
  })
})

describe('cacheSeconds', () => {
  const soa = (ttl: number, minimum: number) => [`test ${ttl} SOA ns.test. admin.test. 1 2 3 4 ${minimum}`]
  const cases: [string, ReplyParts, boolean, number][] = [
    ['positive: its TTL', { answers: ['a.test 60 A 192.0.2.1'] }, false, 60],
    ['positive above the cap', { answers: ['a.test 90000 A 192.0.2.1'] }, false, 3600],
    ['TTL 0 is for this client only', { answers: ['a.test 0 A 192.0.2.1'] }, false, 0],
    ['top bit set is 0 (RFC 2181)', { answers: ['a.test 2147483649 A 192.0.2.1'] }, false, 0],
    ['negative: SOA TTL', { rcode: 3, authority: soa(10, 60) }, false, 10],
    ['negative: MINIMUM', { rcode: 3, authority: soa(300, 20) }, false, 20],
    ['negative above the cap', { rcode: 3, authority: soa(300, 300) }, false, 30],
    ['negative in a cluster zone', { rcode: 3, authority: soa(300, 30) }, true, 5],
    ['negative without SOA', { rcode: 3 }, false, 30],
    ['NODATA without SOA in a cluster zone', {}, true, 5],
    ['a chain bounds its negative', { rcode: 3, answers: ['a.test 7 CNAME b.test'], authority: soa(60, 60) }, false, 7],
    ['a partial chain', { answers: ['a.test 60 CNAME b.test'] }, false, 0],
    ['a referral', { authority: ['test 60 NS ns.test'] }, false, 0],
    ['a failure', { rcode: 2 }, false, 5],
  ]
  for (const [what, parts, inCluster, seconds] of cases) {
    it(what, () => assert.equal(cacheSeconds(answerTo('a.test', parts), 1, settings, inCluster), seconds))
  }

  it('keeps a failure twice as long each time, from 1 s to 5 min', () => {
    const seconds = (strikes: number, more = {}) => failureSeconds(strikes, { ...settings, ...more })
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 99].map((strikes) => seconds(strikes)),
      [5, 10, 20, 40, 60, 60, 60],
    )
    assert.deepEqual([seconds(0, { failureTtl: 0 }), seconds(9, { maxFailureTtl: 9999 })], [1, 300])
    assert.equal(seconds(3, { failureTtl: 90 }), 90)
  })

  it('adds an SOA where there was none: MNAME dnsweir.invalid, owner the parent, TTL = MINIMUM', () => {
    const work = answerTo('deep.a.test', { rcode: 3 })
    cacheSeconds(work, 1, settings, false)
    assert.equal(work.authorities, 1)
    const body = Buffer.from(work.writer.body.subarray(0, work.writer.length))
    assert.equal(body.readUInt16BE(0), 0xc000 | (12 + 5))
    assert.deepEqual([body.readUInt32BE(6), body.readUInt32BE(body.length - 4)], [30, 30])
    assert.ok(body.includes('dnsweir'))
  })

  it('keeps NODATA behind a CNAME of TTL 0 where minTtl says so', () => {
    const work = () => answerTo('a.test', { answers: ['a.test 0 CNAME b.test'] })
    assert.equal(cacheSeconds(work(), 28, settings, false), 0)
    assert.equal(cacheSeconds(work(), 28, { ...settings, minTtl: 5 }, false), 5)
    assert.equal(cacheSeconds(work(), 1, { ...settings, minTtl: 5 }, false), 0)
  })

  it('raises a positive answer to minTtl', () => {
    const work = answerTo('a.test', { answers: ['a.test 0 A 192.0.2.1'] })
    assert.equal(cacheSeconds(work, 1, { ...settings, minTtl: 5 }, false), 5)
    assert.equal(Buffer.from(work.writer.body).readUInt32BE(6), 5)
    const cache = new Cache(1 << 20)
    cache.put(keyFor('a.test'), answerTo('a.test', { rcode: 3 }), 0, 1000, 0)
    assert.equal(cache.get(keyFor('a.test'), 1, draft), CACHE_NEGATIVE)
  })
})

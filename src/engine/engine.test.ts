import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReplyParts } from '../../test/support/message.ts'
import { parse, query, reply } from '../../test/support/message.ts'
import { clientAt, listenerAt, SimShard, upstreamAt, wire } from '../../test/support/shard-sim.ts'
import * as metric from '../metrics/catalog.ts'

const address = (name: string, ttl = 60): ReplyParts => ({ answers: [`${name} ${ttl} A 192.0.2.1`] })
const edns = { size: 1232 }
const limits = {
  rate: 10,
  burst: 20,
  charge: 'misses',
  over: 'refuse',
  slip: 2,
  slipPrivate: 0,
  shared: false,
  clientFactor: 4,
  exempt: [],
  prefixV4: 32,
  prefixV6: 64,
  buckets: 1024,
}

describe('the road, in a simulated network', () => {
  it('asks once, then answers from the cache with aged TTLs, this client’s id and letters', () => {
    const shard = new SimShard(1)
    const seen = shard.upstream(0, () => address('www.a.test'))
    assert.equal(shard.ask(query('www.a.test'))?.answers[0]?.ttl, 60)
    shard.world.advance(10_000)
    const asked = query('wWw.A.tesT', 'A', { id: 4711 })
    const got = shard.ask(asked)
    assert.deepEqual([got?.id, got?.answers[0]?.ttl, got?.ra, got?.edns], [4711, 50, true, undefined])
    assert.deepEqual(got?.questionBytes, parse(asked).questionBytes)
    shard.world.advance(60_000)
    shard.ask(query('www.a.test'))
    assert.equal(seen.length, 2)
    assert.equal(shard.unaccounted, 0)
  })

  it('takes 1,000 identical questions upstream as one', () => {
    const shard = new SimShard(2)
    const seen = shard.upstream(0, () => address('a.test'))
    for (let i = 0; i < 1000; i++) shard.send(query('a.test'), i)
    shard.world.advance(100)
    assert.equal(seen.length, 1)
    assert.equal(shard.replies.length, 1000)
    assert.equal(shard.unaccounted, 0)
  })

  it('holds a denial without SOA back: 1,000 questions, one upstream, for 30 s', () => {
    const shard = new SimShard(3)
    const seen = shard.upstream(0, () => ({ rcode: 3 }))
    for (let i = 0; i < 1000; i++) {
      shard.send(query('x.example.org'), i)
      shard.world.advance(29)
    }
    assert.equal(seen.length, 1)
    shard.world.advance(2000)
    const got = shard.ask(query('x.example.org'))
    assert.equal(seen.length, 2)
    assert.match(
      `${got?.authority[0]?.name} ${got?.authority[0]?.ttl} ${got?.authority[0]?.data}`,
      /^example\.org\.? 30 dnsweir\.invalid/,
    )
  })

  it('keys by DO and CD, and keeps EDNS hop by hop', () => {
    const shard = new SimShard(4)
    const seen = shard.upstream(0, (asked) => ({
      ...address('a.test'),
      ad: true,
      edns: { dnssecOk: asked.edns?.dnssecOk ?? false },
    }))
    const options = [
      { code: 10, data: Buffer.from('cookie12') },
      { code: 8, data: Buffer.from([0, 1, 24, 0, 192, 0, 2]) },
    ]
    const plain = shard.ask(query('a.test', 'A', { edns: { ...edns, options } }))
    const withDo = shard.ask(query('a.test', 'A', { edns: { ...edns, dnssecOk: true } }))
    shard.ask(query('a.test', 'A', { cd: true }))
    assert.equal(seen.length, 3)
    assert.deepEqual(
      seen.map((one) => [one.edns?.size, one.edns?.options.length]),
      [
        [1232, 0],
        [1232, 0],
        [1232, 0],
      ],
    )
    assert.deepEqual(
      seen.map((one) => [one.edns?.dnssecOk, one.cd]),
      [
        [false, false],
        [true, false],
        [false, true],
      ],
    )
    assert.deepEqual(
      [plain?.ad, withDo?.ad, withDo?.edns?.dnssecOk, plain?.edns?.options.length],
      [false, true, true, 0],
    )
  })

  it('fails over, and gives SERVFAIL with EDE 22 in time when nobody answers', () => {
    const shard = new SimShard(5, {}, 2)
    shard.upstream(0, () => undefined)
    const second = shard.upstream(1, () => address('a.test'))
    assert.equal(shard.ask(query('a.test'), 1900)?.rcode, 0)
    assert.ok(second.length >= 1)
    const dark = new SimShard(6)
    dark.upstream(0, () => undefined)
    const got = dark.ask(query('a.test', 'A', { edns }), 1950)
    assert.deepEqual([got?.rcode, got?.edns?.ede], [2, [22]])
    dark.world.advance(10_000)
    assert.equal(dark.unaccounted, 0)
    assert.equal(dark.engine.waiting, 0)
  })

  it('caches a late answer', () => {
    const shard = new SimShard(7)
    shard.world.weather = { loss: 0, duplication: 0, delayMin: 700, delayMax: 1600 }
    const seen = shard.upstream(0, () => address('a.test', 3600))
    shard.ask(query('a.test'), 12_000)
    const before = seen.length
    shard.world.weather = { loss: 0, duplication: 0, delayMin: 0.1, delayMax: 0.2 }
    assert.equal(shard.ask(query('a.test'), 5)?.answers.length, 1)
    assert.equal(seen.length, before)
  })

  it('says at once that it has no upstream', () => {
    const shard = new SimShard(8, {}, 0)
    const got = shard.ask(query('a.test', 'A', { edns }))
    assert.deepEqual([got?.rcode, got?.edns?.ede], [2, [22]])
  })

  it('truncates per client, and counts it', () => {
    const shard = new SimShard(9)
    shard.upstream(0, () => ({ answers: Array.from({ length: 40 }, (_, i) => `a.test 60 A 192.0.2.${i}`) }))
    const small = shard.ask(query('a.test'))
    const large = shard.ask(query('a.test', 'A', { edns }))
    assert.deepEqual([small?.tc, large?.tc, large?.answers.length], [true, false, 40])
    assert.ok((small?.bytes.length ?? 999) <= 512 && (small?.answers.length ?? 0) > 20)
    assert.equal(shard.count(metric.truncated), 1)
  })

  it('rotates addresses', () => {
    const shard = new SimShard(10)
    shard.upstream(0, () => ({ answers: [1, 2, 3].map((i) => `a.test 60 A 192.0.2.${i}`) }))
    const firsts = new Set(Array.from({ length: 9 }, () => shard.ask(query('a.test'))?.answers[0]?.data))
    assert.deepEqual([...firsts].sort(), ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
  })

  it('routes by the longest zone and never mixes routes', () => {
    const routes = [
      { name: '.', zones: [], upstreams: [0] },
      { name: 'corp.test', zones: [wire('corp.test')], upstreams: [1] },
    ]
    const shard = new SimShard(11, { routes }, 2)
    const [outside, inside] = [shard.upstream(0, () => ({ rcode: 3 })), shard.upstream(1, () => address('x.corp.test'))]
    assert.equal(shard.ask(query('x.corp.test'))?.rcode, 0)
    assert.equal(shard.ask(query('xcorp.test'))?.rcode, 3)
    assert.deepEqual([inside.length, outside.length], [1, 1])
    shard.commit({ routes: [{ name: '.', zones: [], upstreams: [0] }] }, 2)
    assert.equal(shard.ask(query('x.corp.test'))?.rcode, 3)
  })

  it('keeps the cache over a reload', () => {
    const shard = new SimShard(12)
    const seen = shard.upstream(0, () => address('a.test'))
    shard.ask(query('a.test'))
    shard.commit({})
    assert.equal(shard.ask(query('a.test'))?.answers.length, 1)
    assert.equal(seen.length, 1)
  })

  it('drops what must not be answered and books nothing for it', () => {
    const shard = new SimShard(13)
    shard.send(query('a.test', 'A', { qr: true }))
    shard.send(Buffer.alloc(5))
    shard.world.send({ ...clientAt(1), port: 0 }, listenerAt, query('a.test'))
    shard.world.send({ address: Uint8Array.of(224, 0, 0, 251), port: 5353, scope: 0 }, listenerAt, query('a.test'))
    shard.world.send(listenerAt, listenerAt, query('a.test'))
    shard.world.advance(50)
    assert.equal(shard.replies.length, 0)
    assert.deepEqual(
      [shard.count(metric.ignored.response), shard.count(metric.ignored.short), shard.count(metric.ignored.source)],
      [1, 1, 3],
    )
    assert.equal(shard.unaccounted, 0)
  })

  it('caches a failure for its TTL, and says so', () => {
    const shard = new SimShard(14)
    const seen = shard.upstream(0, () => ({ rcode: 2 }))
    shard.ask(query('a.test'))
    const asked = seen.length
    const got = shard.ask(query('a.test', 'A', { edns }))
    assert.deepEqual([got?.rcode, got?.edns?.ede, seen.length], [2, [13], asked])
    shard.world.advance(6000)
    shard.ask(query('a.test'))
    assert.ok(seen.length > asked)
  })

  it('does not share what was asked without RD', () => {
    const shard = new SimShard(15)
    const seen = shard.upstream(0, (asked) => (asked.rd ? address('a.test') : { rcode: 5 }))
    assert.equal(shard.ask(query('a.test', 'A', { rd: false }))?.rd, false)
    assert.equal(shard.ask(query('a.test'))?.rcode, 0)
    assert.ok(seen.some((one) => !one.rd))
  })

  it('answers `. NS` while a root upstream works, and not at all when none does', () => {
    const shard = new SimShard(16)
    shard.upstream(0, () => ({ answers: ['. 60 NS a.root-servers.net'] }))
    assert.equal(shard.ask(query('.', 'NS'))?.rcode, 0)
    shard.engine.drain()
    assert.equal(shard.ask(query('.', 'NS')), undefined)
    assert.equal(shard.unaccounted, 0)
  })

  for (const seed of [101, 102, 103, 104]) {
    it(`balances its books in bad weather (seed ${seed})`, () => {
      const shard = new SimShard(seed, {}, 2)
      shard.world.weather = { loss: 0.2, duplication: 0.1, delayMin: 1, delayMax: 400 }
      for (const number of [0, 1]) {
        shard.upstream(number, (asked) =>
          shard.world.random.u32() % 5 === 0
            ? { rcode: 2 }
            : { answers: [`${asked.questions[0]?.name} 1 A 192.0.2.1`] },
        )
      }
      for (let i = 0; i < 3000; i++) {
        shard.send(query(`n${shard.world.random.u32() % 700}.test`), i % 200)
        if (i % 10 === 0) shard.world.advance(shard.world.random.u32() % 30)
        assert.equal(shard.unaccounted, 0)
      }
      shard.world.advance(20_000)
      assert.deepEqual([shard.unaccounted, shard.engine.waiting], [0, 0])
    })
  }
})

describe('denials', () => {
  it('hold for the whole name, whatever type is asked (RFC 2308 section 5)', () => {
    const shard = new SimShard(20)
    const soa = 'example.org 60 SOA ns.example.org root.example.org 1 7200 3600 86400 60'
    const seen = shard.upstream(0, () => ({ rcode: 3, authority: [soa] }))
    for (const type of ['A', 'AAAA', 'MX', 'A']) assert.equal(shard.ask(query('x.example.org', type))?.rcode, 3)
    assert.equal(seen.length, 1)
  })

  it('without an SOA hold for one type: dnsmasq denies AAAA of a name whose A it was told with `address=`', () => {
    const shard = new SimShard(20)
    const seen = shard.upstream(0, (asked) =>
      asked.questions[0]?.type === 1 ? address('x.example.org') : { rcode: 3 },
    )
    for (const [type, rcode] of [
      ['AAAA', 3],
      ['A', 0],
      ['AAAA', 3],
      ['A', 0],
    ] as const) {
      assert.equal(shard.ask(query('x.example.org', type))?.rcode, rcode, type)
    }
    assert.equal(seen.length, 2)
  })

  it('with a CNAME speak of its target only', () => {
    const shard = new SimShard(21)
    const seen = shard.upstream(0, () => ({ rcode: 3, answers: ['x.example.org 60 CNAME y.example.org'] }))
    for (const type of ['A', 'AAAA']) shard.ask(query('x.example.org', type))
    assert.equal(seen.length, 2)
  })

  it('of data are for one type only', () => {
    const shard = new SimShard(22)
    const seen = shard.upstream(0, () => ({}))
    for (const type of ['A', 'AAAA', 'A']) shard.ask(query('x.example.org', type))
    assert.equal(seen.length, 2)
  })
})

describe('what a review found', () => {
  it('pairs of A and AAAA see all first addresses; so do truncated replies', () => {
    const shard = new SimShard(30)
    const many = Array.from({ length: 60 }, (_, i) => `a.test 60 A 192.0.2.${i}`)
    shard.upstream(0, (asked) => ({ answers: asked.questions[0]?.type === 1 ? many : ['a.test 60 AAAA 2001:db8::1'] }))
    const first = new Set<string | undefined>()
    for (let i = 0; i < 40; i++) {
      first.add(shard.ask(query('a.test'))?.answers[0]?.data)
      shard.ask(query('a.test', 'AAAA'))
    }
    assert.ok(first.size > 15, `${first.size}`)
  })

  it('who joins a flight is not charged', () => {
    const rules = [{ name: 'rateLimit', mode: 'enforce' as const, settings: limits }]
    const shard = new SimShard(31, { rules })
    shard.world.weather = { loss: 0, duplication: 0, delayMin: 5, delayMax: 5 }
    shard.upstream(0, () => address('a.test'))
    for (let i = 0; i < 200; i++) shard.send(query('a.test'), 1)
    shard.world.advance(200)
    assert.deepEqual([shard.replies.length, shard.replies.filter(({ rcode }) => rcode !== 0).length], [200, 0])
    for (let i = 0; i < 50; i++) shard.send(query(`n${i}.a.test`), 1)
    shard.world.advance(200)
    assert.ok(shard.replies.filter(({ rcode }) => rcode === 5).length > 20)
  })

  it('a root server question that fails is still an answer while other questions work', () => {
    const shard = new SimShard(32)
    shard.upstream(0, (asked) => (asked.questions[0]?.type === 2 ? { rcode: 5 } : address('a.test')))
    for (let i = 0; i < 4; i++) assert.equal(shard.ask(query('.', 'NS'))?.rcode, 5)
  })

  it('health checks alone find out that a dead upstream is back', () => {
    const shard = new SimShard(37)
    shard.upstream(0, () => undefined)
    for (let i = 0; i < 10; i++) shard.ask(query(`n${i}.test`), 2000)
    assert.equal(shard.ask(query('.', 'NS'), 3000), undefined)
    shard.upstream(0, () => ({ answers: ['. 60 NS a.root-servers.net'] }))
    let answered = 0
    for (let i = 0; i < 10; i++) if (shard.ask(query('.', 'NS'), 500)?.rcode === 0) answered++
    assert.ok(answered >= 7, `${answered} of 10`)
    shard.world.advance(20_000)
    assert.equal(shard.unaccounted, 0)
  })

  it('a loop is found behind an upstream that was silent at first', () => {
    const root = { name: '.', zones: [wire('.')], upstreams: [0] }
    const shard = new SimShard(38, { routes: [root] })
    shard.world.advance(1500)
    shard.world.host(upstreamAt(0), (bytes) => shard.world.send(clientAt(9), listenerAt, bytes))
    shard.world.advance(4000)
    assert.deepEqual(
      shard.events.flatMap((event) => (event.kind === 'loop' ? [event.marked] : [])),
      [true],
    )
    assert.equal(shard.unaccounted, 0)
  })

  it('NODATA behind a CNAME, without SOA, is held back for a moment; a chain to no address is not kept', () => {
    const shard = new SimShard(39)
    const seen = shard.upstream(0, () => ({ answers: ['alias.test 60 CNAME host.test'] }))
    for (let i = 0; i < 5; i++) assert.equal(shard.ask(query('alias.test', 'AAAA'))?.answers.length, 1)
    assert.equal(seen.length, 1)
    for (let i = 0; i < 3; i++) shard.ask(query('alias.test', 'A'))
    assert.equal(seen.length, 4)
  })

  it('what we made up is never called authentic, and foreign records are no denial', () => {
    const shard = new SimShard(40)
    shard.upstream(0, (asked) =>
      asked.questions[0]?.name.startsWith('neg') ? { rcode: 3, ad: true } : { answers: ['evil.bank 60 A 203.0.113.6'] },
    )
    for (let i = 0; i < 2; i++) assert.equal(shard.ask(query('neg.test', 'A', { ad: true }))?.ad, false)
    assert.equal(shard.ask(query('other.test'), 3000)?.rcode, 2)
  })

  it('errors and ANY are charged where everything is', () => {
    const rules = [{ name: 'rateLimit', mode: 'enforce' as const, settings: { ...limits, charge: 'all' } }]
    const shard = new SimShard(41, { rules })
    for (let i = 0; i < 100; i++) shard.ask(query('a.test', i % 2 ? 255 : 252), 1)
    const refused = shard.replies.filter(({ rcode, questions }) => rcode === 5 && questions[0]?.type === 255)
    assert.ok(refused.length > 30, `${refused.length}`)
  })

  it('a denial asked without RD is held back too', () => {
    const shard = new SimShard(33)
    const seen = shard.upstream(0, () => ({ rcode: 3 }))
    for (let i = 0; i < 5; i++) shard.ask(query('x.test', 'A', { rd: false }))
    assert.equal(seen.length, 1)
  })

  it('OPT comes back with every refusal', () => {
    const shard = new SimShard(34)
    assert.equal(shard.ask(query('a.test', 'A', { opcode: 4, edns }))?.edns?.size, 1232)
    const two = query('a.test', 'A', { edns })
    two[5] = 0
    const without = Buffer.concat([two.subarray(0, 12), two.subarray(two.length - 11)])
    assert.deepEqual([shard.ask(without)?.rcode, shard.replies.at(-1)?.edns?.size], [1, 1232])
  })

  it('an extended rcode of the upstream is asked again without EDNS, and is no answer', () => {
    const shard = new SimShard(35)
    const seen = shard.upstream(0, (asked) => (asked.edns ? { rcode: 16, edns } : address('a.test')))
    assert.equal(shard.ask(query('a.test', 'A', { edns }))?.answers.length, 1)
    assert.equal(seen.length, 2)
    const stubborn = new SimShard(36)
    stubborn.upstream(0, () => ({ rcode: 23, edns }))
    assert.equal(stubborn.ask(query('a.test'), 3000)?.rcode, 2)
  })
})

describe('packets that answer nothing', () => {
  it('a name that points at itself loses against the true answer', () => {
    const shard = new SimShard(23)
    shard.world.host(upstreamAt(0), (bytes, _from, send) => {
      const asked = parse(Buffer.from(bytes))
      const bad = reply(asked, { answers: ['a.test 60 A 192.0.2.9'] })
      const owner = 12 + asked.questionBytes.length
      send(Buffer.concat([bad.subarray(0, owner), Buffer.from([0xc0, owner]), bad.subarray(owner + 8)]))
      send(reply(asked, { answers: ['a.test 60 A 192.0.2.1'] }))
    })
    shard.world.weather = { loss: 0, duplication: 0, delayMin: 0.1, delayMax: 0.1 }
    assert.equal(shard.ask(query('a.test'))?.answers[0]?.data, '192.0.2.1')
    assert.equal(shard.count(metric.badAnswers.malformed), 1)
  })
})

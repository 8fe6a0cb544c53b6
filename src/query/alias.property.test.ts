import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { GuardParts } from '../../test/support/guard.ts'
import { guardSim } from '../../test/support/guard-sim.ts'
import { type Message, query, type ReplyParts, type Rr } from '../../test/support/message.ts'

const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/)
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => [...labels, 'net'].join('.'))
const ttl = fc.integer({ min: 1, max: 3000 })

interface Shape {
  readonly asked: string
  readonly type: string
  readonly parts: ReplyParts
}

/** An answer with a chain, records of several types, and names that compress against each other. */
const shape: fc.Arbitrary<Shape> = fc
  .record({
    asked: name,
    chain: fc.array(name, { maxLength: 3 }),
    type: fc.constantFrom('A', 'MX', 'SRV', 'NS', 'TXT'),
    others: fc.array(name, { minLength: 1, maxLength: 4 }),
    ttl,
    rcode: fc.constantFrom(0, 0, 0, 3),
  })
  .filter(({ asked, chain }) => new Set([asked, ...chain].map((one) => one.toLowerCase())).size === chain.length + 1)
  .map(({ asked, chain, type, others, ttl: seconds, rcode }) => {
    const path = [asked, ...chain]
    const cnames = chain.map((to, i) => `${path[i]} ${seconds + i} CNAME ${to}`)
    const last = path.at(-1) as string
    if (rcode === 3)
      return { asked, type, parts: { rcode, answers: cnames, authority: ['net 60 SOA ns.net root.net 1 2 3 4 60'] } }
    return {
      asked,
      type,
      parts: { answers: [...cnames, ...others.map((to, i) => `${last} ${seconds} ${rdata(type, to, i)}`)] },
    }
  })

function rdata(type: string, to: string, i: number): string {
  if (type === 'MX') return `MX ${i} ${to}`
  if (type === 'SRV') return `SRV 1 ${i} 80 ${to}`
  if (type === 'NS') return `NS ${to}`
  if (type === 'TXT') return `TXT "t${i}"`
  return `A 192.0.2.${i}`
}

const records = (list: readonly Rr[] = []): string[] =>
  list.map((one) => `${one.name} ${one.type} ${one.ttl} ${one.data}`.toLowerCase()).sort()

interface Way {
  readonly said: string
  readonly parts: (asked: string) => GuardParts
  /** The name to ask for in place of `asked`. */
  readonly name: (asked: string) => string
  readonly cnames: number
  /** Are they sent with nothing behind them? */
  readonly isOwn: boolean
}

const ways: readonly Way[] = [
  {
    said: 'a search suffix',
    parts: () => ({ rules: { searchSuffix: { action: 'strip' } }, searchSuffixes: ['corp.example.org'] }),
    name: (asked) => `${asked}.corp.example.org`,
    cnames: 1,
    isOwn: false,
  },
  {
    said: 'CNAMEs of the operator',
    parts: (asked) => ({
      rules: {
        localAnswers: { records: ['www.example.org. 9 CNAME m.example.org.', `m.example.org. 9 CNAME ${asked}.`] },
      },
    }),
    name: () => 'www.example.org',
    cnames: 2,
    isOwn: true,
  },
]

for (const way of ways)
  test(`behind ${way.said} stand the very records that the real name has`, () => {
    fc.assert(
      fc.property(shape, ({ asked, type, parts }) => {
        const sim = guardSim(way.parts(asked), (one) => (one.endsWith('example.org') ? { rcode: 3 } : parts))
        const ask = (one: string): Message =>
          sim.shard.ask(query(one, type, { edns: { size: 1232 } }), 60) ?? assert.fail(`no reply to ${one}`)
        const real = ask(asked)
        const behind = ask(way.name(asked))
        if (!asked.includes('.') || real.tc || behind.tc) return
        const hasRecords = real.answers.length + real.authority.length > 0
        assert.equal(behind.rcode, real.rcode)
        assert.equal(behind.questions[0]?.name, `${way.name(asked)}.`)
        const shown = hasRecords || way.isOwn ? way.cnames : 0
        if (shown > 0) assert.equal(behind.answers[shown - 1]?.data, `${asked}.`)
        assert.deepEqual(records(behind.answers.slice(shown)), records(real.answers))
        assert.deepEqual(records(behind.authority), records(real.authority))
        assert.deepEqual(records(behind.additional), records(real.additional))
        assert.ok(behind.bytes.length <= 1232)
      }),
      { numRuns: 300, seed: 11 },
    )
  })

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rulesPlan } from '../../../test/support/guard-sim.ts'
import { type Message, query, type ReplyParts } from '../../../test/support/message.ts'
import { SimShard } from '../../../test/support/shard-sim.ts'
import type { RuleEvent } from '../../link/messages.ts'
import { gauges } from '../../metrics/catalog.ts'

const parts = { rules: { searchSuffix: {} }, clusterDomains: ['cluster.local'], searchSuffixes: ['example.org', 'lan'] }
const denied: ReplyParts = { rcode: 3, authority: ['org 60 SOA ns.org root.org 1 2 3 4 60'] }

/** A shard whose upstream answers every name below the suffixes in `wild`, which may change. */
function shardWith(wild: Set<string>): { shard: SimShard; probes: () => string[]; said: () => RuleEvent[] } {
  const shard = new SimShard(3, rulesPlan(parts))
  const nameOf = (asked: Message) => asked.questions[0]?.name ?? ''
  const seen = shard.upstream(0, (asked) => {
    const name = nameOf(asked)
    return [...wild].some((suffix) => name.endsWith(`.${suffix}.`)) ? { answers: [`${name} 60 A 192.0.2.66`] } : denied
  })
  return {
    shard,
    probes: () => seen.map(nameOf).filter((name) => /^[0-9a-f]{16}\.(example\.org|lan)\.$/.test(name)),
    said: () => shard.events.filter((event) => event.kind === 'rule'),
  }
}

test('each suffix is probed with a random label at start, and about every five minutes', () => {
  const { shard, probes, said } = shardWith(new Set())
  shard.world.advance(2000)
  assert.equal(probes().length, 2)
  shard.world.advance(600_000)
  assert.equal(new Set(probes()).size, probes().length)
  assert.ok(probes().length >= 4 && probes().length <= 6, `${probes().length} probes in ten minutes`)
  assert.deepEqual(said(), [])
})

test('a wildcard is said once, shown as a gauge, not believed for junk, and its end is said', () => {
  const wild = new Set(['example.org'])
  const { shard, said } = shardWith(wild)
  shard.world.advance(2000)
  assert.equal(said().length, 1)
  assert.match(said()[0]?.sentence ?? '', /^every name below example\.org\. exists \(a wildcard\)/)
  assert.deepEqual([said()[0]?.subject, said()[0]?.state, shard.count(gauges.wildcards)], ['example.org.', 'begin', 1])
  assert.equal(shard.ask(query('web.default.svc.cluster.local.example.org'))?.rcode, 3)
  assert.equal(shard.ask(query('nas.example.org'))?.answers.length, 1)
  shard.commit(rulesPlan(parts))
  shard.world.advance(2000)
  assert.equal(said().length, 1, 'a reload does not say it again')
  wild.clear()
  shard.world.advance(660_000)
  assert.deepEqual(
    said().map(({ state }) => state),
    ['begin', 'end'],
  )
  assert.equal(shard.count(gauges.wildcards), 0)
})

test('an upstream that does not answer decides nothing, and is asked again', () => {
  const shard = new SimShard(3, rulesPlan(parts))
  const seen = shard.upstream(0, () => undefined)
  shard.world.advance(120_000)
  assert.ok(seen.length > 4)
  assert.deepEqual(
    shard.events.filter((event) => event.kind === 'rule'),
    [],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rulesPlan } from '../../../test/support/guard-sim.ts'
import { query } from '../../../test/support/message.ts'
import { SimShard } from '../../../test/support/shard-sim.ts'

const parts = { rules: { searchSuffix: {} }, clusterDomains: ['cluster.local'], searchSuffixes: ['example.org'] }

/** Names below these exist; all else is denied. */
function shardWhere(...zones: string[]): SimShard {
  const shard = new SimShard(5, rulesPlan(parts))
  shard.upstream(0, (asked) => {
    const name = asked.questions[0]?.name ?? ''
    return zones.some((zone) => name.endsWith(`${zone}.`) && !name.includes('.corp.'))
      ? { answers: [`${name} 5 A 192.0.2.1`] }
      : { rcode: 3 }
  })
  return shard
}

/** One lookup of a client: the name with each suffix in turn, then alone; A and AAAA each. */
function walk(shard: SimShard, client: number, name: string, suffixes: readonly string[]): void {
  for (const one of [...suffixes.map((suffix) => `${name}.${suffix}`), name]) {
    shard.send(query(one), client)
    shard.send(query(one, 'AAAA'), client)
    shard.world.advance(20)
  }
}

function said(shard: SimShard): string[] {
  shard.world.advance(2000)
  return shard.events.flatMap((event) => (event.kind === 'rule' ? [event.sentence] : []))
}

test('a suffix that clients append, and go on without, is reported once, with clients and share', () => {
  const shard = shardWhere('com')
  for (let i = 0; i < 12; i++) walk(shard, 1 + (i % 3), `host${i}.example.com`, ['corp.internal'])
  const [sentence = '', ...more] = said(shard)
  assert.match(sentence, /^clients seem to append corp\.internal\.: \d+ names were denied below it/)
  assert.match(sentence, /by about 3 clients; (4|5)\d % of all queries/)
  assert.deepEqual(more, [])
  for (let i = 20; i < 40; i++) walk(shard, 1, `host${i}.example.com`, ['corp.internal'])
  assert.equal(said(shard).length, 1)
})

test('one suffix after the other: each that is followed by a known one or by the bare name', () => {
  const shard = shardWhere('com')
  for (let i = 0; i < 12; i++) walk(shard, 1, `host${i}.example.com`, ['corp.internal', 'example.org'])
  assert.match(said(shard).join(), /corp\.internal\./)
})

test('nothing is made of names that are merely denied, of known suffixes, or of other clients', () => {
  const shard = shardWhere('com')
  for (let i = 0; i < 20; i++) {
    walk(shard, 1, `host${i}.example.com`, ['example.org', 'default.svc.cluster.local'])
    shard.send(query(`gone${i}.corp.internal`), 2)
    shard.world.advance(20)
    shard.send(query(`other${i}.example.com`), 2)
    shard.send(query(`late${i}.example.com.corp.internal`), 3)
    shard.world.advance(1600)
    shard.send(query(`late${i}.example.com`), 3)
    shard.send(query(`apart${i}.example.com.corp.internal`), 4)
    shard.world.advance(20)
    shard.send(query(`apart${i}.example.com`), 5)
  }
  assert.deepEqual(said(shard), [])
})

test('it enforces nothing', () => {
  const shard = shardWhere('com')
  for (let i = 0; i < 30; i++) walk(shard, 1, `host${i}.example.com`, ['corp.internal'])
  assert.equal(said(shard).length, 1)
  const seen = shard.upstream(0, (asked) => ({ answers: [`${asked.questions[0]?.name} 5 A 192.0.2.2`] }))
  assert.equal(shard.ask(query('new.example.com.corp.internal'))?.answers.length, 1)
  assert.equal(seen.length, 1)
})

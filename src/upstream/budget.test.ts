import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rulesPlan } from '../../test/support/guard-sim.ts'
import { query as message, type ReplyParts } from '../../test/support/message.ts'
import { SimShard } from '../../test/support/shard-sim.ts'
import { emptyPlan } from '../link/plan-data.ts'
import { outcomes, upstream as row, UP_HELD_BACK, UP_OVER_BUDGET, UP_PACKETS } from '../metrics/catalog.ts'
import { Budget, URGENCY_AAAA, URGENCY_EARLY, URGENCY_FIRST, URGENCY_JUNK, urgencyOf } from './budget.ts'

const classes = [URGENCY_FIRST, URGENCY_AAAA, URGENCY_EARLY, URGENCY_JUNK]

function budgetOf(perSecond: number): Budget {
  const budget = new Budget(1)
  budget.configure(perSecond, [-1, -1], 1000)
  return budget
}

/** Packets that go at once. */
function spendAll(budget: Budget, urgency: number, now: number): number {
  let sent = 0
  for (; budget.wait(0, urgency, now) === 0 && sent < 10_000; sent++) budget.spend(0, 1, now)
  return sent
}

test('without a budget everything goes', () => {
  const budget = budgetOf(0)
  for (const urgency of classes) assert.equal(spendAll(budget, urgency, 1000), 10_000)
  assert.equal(budget.leftOf(0, 1000), 0)
})

test('the less urgent leave a share to the more urgent: a quarter, a half, three quarters', () => {
  const sent = (urgency: number): number => spendAll(budgetOf(1600), urgency, 1000)
  assert.deepEqual(classes.map(sent), [100, 75, 50, 25])
  const budget = budgetOf(1600)
  assert.deepEqual(
    [...classes].reverse().map((urgency) => spendAll(budget, urgency, 1000)),
    [25, 25, 25, 25],
  )
})

test('a full bucket is asked for last by what nobody misses, and a small one still serves it', () => {
  const budget = budgetOf(1)
  assert.equal(spendAll(budget, URGENCY_JUNK, 1000), 1)
  assert.equal(budget.wait(0, URGENCY_JUNK, 1000), 1000)
  assert.equal(budget.wait(0, URGENCY_FIRST, 1000), 0)
})

test('it says when there is a packet, and what was spent beyond it is missing', () => {
  const budget = budgetOf(1600)
  budget.spend(0, 116, 1000)
  assert.equal(budget.wait(0, URGENCY_FIRST, 1000), 11)
  assert.equal(budget.wait(0, URGENCY_FIRST, 1011), 0)
  assert.equal(budget.wait(1, URGENCY_FIRST, 1000), 0)
  assert.deepEqual([budget.leftOf(0, 1011), budget.leftOf(0, 1100)], [1, 100])
})

test('a reload keeps what is spent of the upstreams that stay', () => {
  const budget = budgetOf(1600)
  spendAll(budget, URGENCY_FIRST, 1000)
  budget.configure(1600, [-1, 0], 1000)
  assert.deepEqual([budget.leftOf(0, 1000), budget.leftOf(1, 1000)], [100, 0])
})

test('AAAA comes after A, SRV and PTR, and junk after all', () => {
  assert.deepEqual([urgencyOf(1, 0), urgencyOf(33, 0), urgencyOf(12, 0)], Array(3).fill(URGENCY_FIRST))
  assert.deepEqual([urgencyOf(28, 0), urgencyOf(28, 1), urgencyOf(1, 1)], [URGENCY_AAAA, URGENCY_JUNK, URGENCY_JUNK])
})

const forward = { ...emptyPlan.forward, budget: 900 }

interface Flood {
  readonly shard: SimShard
  /** Packets in the fullest second that the upstream saw, and how many of the names in demand were answered. */
  readonly most: number
  readonly served: number
  readonly asked: number
}

/** Ten seconds: 300 new names a second that matter, and ten times the budget of others. */
function flood(other: (i: number) => Uint8Array, more = {}): Flood {
  const shard = new SimShard(5, { forward, ...more })
  const arrivals: number[] = []
  shard.upstream(0, (asked): ReplyParts | undefined => {
    const now = shard.world.clock.now()
    arrivals.push(now)
    // As the VPC resolver: what is above 1,024 in a second is dropped.
    let recent = 0
    for (let i = arrivals.length - 1; i >= 0 && now - (arrivals[i] as number) < 1000; i--) recent++
    return recent > 1024 ? undefined : { answers: [`${asked.questions[0]?.name} 60 A 192.0.2.1`] }
  })
  let asked = 0
  for (let ms = 0; ms < 10_000; ms += 10) {
    for (let i = 0; i < 90; i++) shard.send(other(ms * 9 + i), 2)
    for (let i = 0; i < 3; i++) {
      shard.send(message(`want${ms}-${i}.test`), 3)
      asked++
    }
    shard.world.advance(10)
  }
  shard.world.advance(3000)
  let most = 0
  for (let i = 0, from = 0; i < arrivals.length; i++) {
    while ((arrivals[i] as number) - (arrivals[from] as number) >= 1000) from++
    most = Math.max(most, i - from + 1)
  }
  const served = shard.replies.filter((one) => one.rcode === 0 && one.questions[0]?.name.startsWith('want')).length
  assert.equal(shard.unaccounted, 0)
  return { shard, most, served, asked }
}

const observed = rulesPlan({
  mode: 'observe',
  rules: { searchSuffix: { learn: false } },
  clusterDomains: ['cluster.local'],
  searchSuffixes: ['example.org'],
})
const floods: readonly [string, (i: number) => Uint8Array, object][] = [
  ['AAAA', (i) => message(`noise${i}.test`, 'AAAA'), {}],
  ['junk that is only observed', (i) => message(`u${i}.svc.cluster.local.example.org`), observed],
]
for (const [what, other, more] of floods) {
  test(`an upstream that drops what is above 1,024 packets a second never sees so many, and nothing is lost to a flood of ${what}`, () => {
    const { shard, most, served, asked } = flood(other, more)
    assert.ok(most <= 960, `${most} in one second`)
    assert.ok(most > 700, `${most}: the budget is used`)
    assert.equal(served, asked)
    assert.ok(shard.count(row.at(0, UP_OVER_BUDGET)) > 1000)
    assert.ok(shard.count(row.at(0, UP_PACKETS)) < 13 * 960)
  })
}

test('a wait bridges a burst: nothing is lost that the budget could carry', () => {
  const shard = new SimShard(6, { forward })
  shard.upstream(0, (asked) => ({ answers: [`${asked.questions[0]?.name} 60 A 192.0.2.1`] }))
  for (let i = 0; i < 200; i++) shard.send(message(`burst${i}.test`))
  shard.world.advance(400)
  assert.equal(shard.replies.filter(({ rcode }) => rcode === 0).length, 200)
  assert.ok(shard.count(row.at(0, UP_HELD_BACK)) > 0)
})

test('over it: a stale answer at once, else SERVFAIL with EDE 23, which is not kept', () => {
  const shard = new SimShard(7, {
    forward: { ...forward, budget: 1 },
    cache: { ...emptyPlan.cache, serveStaleMs: 3_600_000 },
  })
  shard.upstream(0, (asked) => ({ answers: [`${asked.questions[0]?.name} 1 A 192.0.2.1`] }))
  const ask = (name: string, ms: number): string => {
    const got = shard.ask(message(name, 'A', { edns: { size: 1232 } }), ms)
    return `${got?.rcode} ${got?.answers.length} ${got?.edns?.ede[0]}`
  }
  assert.equal(ask('old.test', 10), '0 1 undefined')
  for (let i = 0; i < 3; i++) ask(`x${i}.test`, 10)
  assert.equal(ask('new.test', 500), '2 0 23')
  shard.world.advance(600)
  ask('y.test', 10)
  assert.equal(ask('old.test', 10), '0 1 3')
  shard.world.advance(5000)
  assert.equal(ask('new.test', 10), '0 1 undefined')
  assert.ok(shard.count(outcomes.stale) > 0)
})

test('shards share one bucket, which the first of them moves at a reload', () => {
  const cells = new Int32Array(32)
  const [one, other] = [new Budget(1, cells), new Budget(1, cells, false)]
  for (const budget of [one, other]) budget.configure(1600, [-1, -1], 1000)
  assert.equal(spendAll(one, URGENCY_FIRST, 1000), 100)
  assert.equal(spendAll(other, URGENCY_FIRST, 1000), 0)
  assert.equal(other.leftOf(0, 1031), 49)
  one.configure(1600, [-1, 0], 1031)
  other.configure(1600, [-1, 0], 1040)
  assert.deepEqual([other.leftOf(0, 1031), other.leftOf(1, 1031)], [100, 49])
})

test('the ticks come round: nothing is owed after a month without a packet', () => {
  const budget = budgetOf(900)
  for (const later of [2 ** 20, 2 ** 21, 2 ** 21 + 70_000, 2.6e9]) {
    spendAll(budget, URGENCY_FIRST, later)
    assert.equal(budget.leftOf(0, later), 0)
    assert.equal(budget.leftOf(0, later + 1000), 56)
    assert.equal(budget.leftOf(0, later + 3 * 2 ** 21 - 2 ** 20), 56)
  }
})

test('fair among clients: who asks for more than its share waits, the others lose nothing', () => {
  const shard = new SimShard(8, { forward })
  shard.upstream(0, (asked) => ({ answers: [`${asked.questions[0]?.name} 60 A 192.0.2.1`] }))
  const [many, few] = [2, 3]
  for (let ms = 0; ms < 5000; ms += 10) {
    for (let i = 0; i < 30; i++) shard.send(message(`flood${ms}-${i}.test`), many)
    for (let i = 0; i < 2; i++) shard.send(message(`few${ms}-${i}.test`), few)
    shard.world.advance(10)
  }
  shard.world.advance(3000)
  const answered = (prefix: string): number =>
    shard.replies.filter((one) => one.rcode === 0 && one.questions[0]?.name.startsWith(prefix)).length
  assert.equal(answered('few'), 1000)
  // It has what the other leaves, and no less.
  assert.ok(answered('flood') > 5 * 900 - 1000 - 300, `${answered('flood')}`)
})

/** A shard whose cache serves stale, and its upstream, which says what a test wants at the time. */
import assert from 'node:assert/strict'
import { emptyPlan, type PlanData } from '../../src/link/plan-data.ts'
import { type Message, query, type ReplyParts } from './message.ts'
import { SimShard, wire } from './shard-sim.ts'

export const hour = 3_600_000
export const cache = { ...emptyPlan.cache, maxBytes: 1 << 20, serveStaleMs: hour, prefetch: true }
export const plan = {
  cache,
  clusterDomains: [wire('cluster.local')],
  volatileNames: [wire('cluster.local'), wire('10.in-addr.arpa')],
}
export const soa = ['test 60 SOA ns.test admin.test 1 2 3 4 60']

/** A shard and its upstream, which answers as `say` says at the time; `silent` is no answer. */
export class Scene {
  readonly shard: SimShard
  say: ReplyParts | 'silent' | ((asked: Message) => ReplyParts) = {}
  readonly seen: Message[]

  constructor(more: Partial<PlanData> = {}) {
    this.shard = new SimShard(3, { ...plan, ...more })
    this.seen = this.shard.upstream(0, (asked) => {
      if (typeof this.say === 'function') return this.say(asked)
      return this.say === 'silent' ? undefined : this.say
    })
  }

  /** `rcode TTL EDE` of the reply that comes within `ms`. */
  ask(name = 'a.test', ms = 20, type = 'A'): string {
    const got = this.shard.ask(query(name, type, { edns: { size: 1232 } }), ms)
    return got === undefined ? 'none' : `${got.rcode} ${got.answers[0]?.ttl ?? '-'} ${got.edns?.ede[0] ?? '-'}`
  }

  /** What was asked since the last call. */
  asked(): number {
    return this.seen.splice(0).length
  }

  later(ms: number): void {
    this.shard.world.advance(ms)
  }
}

/** One that has had an answer of 60 s, which is over now. */
export function withAnswer(name = 'a.test', more: Partial<PlanData> = {}): Scene {
  const scene = new Scene(more)
  scene.say = { answers: [`${name} 60 A 192.0.2.1`] }
  assert.equal(scene.ask(name), '0 60 -')
  scene.later(61_000)
  scene.asked()
  return scene
}

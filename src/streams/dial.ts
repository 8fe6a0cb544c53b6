import { placeGeneration, placeUpstream } from '../link/packed.ts'
import type { PlanData, UpstreamData } from '../link/plan-data.ts'
import { UpstreamPool } from './dial-pool.ts'
import { hostOf } from './host.ts'
import { type Asker, Question } from './question.ts'
import { tcpTransport, tlsTransport } from './transport.ts'
import type { DialDeps } from './upstream-connection.ts'

/**
 * Questions that go upstream over streams: those for tcp:// and tls:// upstreams, and those whose UDP answer was truncated. Each upstream has a few
 * persistent connections (RFC 7766 section 6.2.1), opened as they are needed. Every question ends once: what can't be answered fails at once.
 */
export class Dial {
  private readonly deps: DialDeps
  /** Upstreams by plan: while a reload is on its way, questions of both plans come. */
  private readonly plans = new Map<number, PlanUpstreams>()
  private committed: number | undefined
  /** By address: upstreams that two plans, or UDP and TCP, have in common share their connections. */
  private readonly pools = new Map<string, UpstreamPool>()

  constructor(deps: DialDeps) {
    this.deps = deps
  }

  /** Makes a plan's upstreams known, beside those of the plans before. */
  setPlan(plan: PlanData): void {
    const pools = plan.upstreams.map((upstream) => this.poolOf(upstream, plan.forward.ca))
    this.plans.set(plan.generation & generationMask, { pools, deadlineMs: plan.forward.giveUpAfterMs })
  }

  /** The plan is in use: others are forgotten, but for the one before, whose questions may still be on their way. */
  commitPlan(generation: number): void {
    const now = generation & generationMask
    for (const known of this.plans.keys()) if (known !== now && known !== this.committed) this.plans.delete(known)
    this.committed = now
    const inUse = new Set([...this.plans.values()].flatMap((plan) => plan.pools))
    for (const [key, pool] of this.pools) if (!inUse.has(pool) && pool.isEmpty) this.pools.delete(key)
  }

  /** Asks a copy of the message of the upstream that `place` names (link/packed `upstreamPlace`). Ends with `asker.answer`. */
  ask(
    asker: Asker,
    place: number,
    slot: number,
    generation: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    const plan = this.plans.get(placeGeneration(place))
    const pool = plan?.pools[placeUpstream(place)]
    if (plan === undefined || pool === undefined) {
      asker.answer(slot, generation, bytes, 0, 0)
      return
    }
    const now = this.deps.clock.now()
    pool.ask(new Question(bytes.slice(at, at + length), now + plan.deadlineMs, asker, slot, generation), now)
  }

  /** After a batch of questions: writes them. */
  settle(): void {
    for (const pool of this.pools.values()) pool.settle()
  }

  sweep(now: number): void {
    for (const pool of this.pools.values()) pool.sweep(now)
  }

  get isEmpty(): boolean {
    for (const pool of this.pools.values()) if (!pool.isEmpty) return false
    return true
  }

  close(): void {
    for (const pool of this.pools.values()) pool.close()
  }

  private poolOf(upstream: UpstreamData, ca: string | undefined): UpstreamPool {
    const host = hostOf(upstream)
    const { port, name, serverName } = upstream
    const isTls = upstream.transport === 'tls'
    const key = isTls ? `tls ${host} ${port} ${serverName ?? ''} ${ca ?? ''}` : `${host} ${port}`
    const known = this.pools.get(key)
    if (known !== undefined) return known
    const transport = isTls
      ? tlsTransport({ label: name, host, port, serverName, ca }, this.deps.say)
      : tcpTransport(host, port)
    const pool = new UpstreamPool(transport, this.deps)
    this.pools.set(key, pool)
    return pool
  }
}

interface PlanUpstreams {
  readonly pools: readonly UpstreamPool[]
  readonly deadlineMs: number
}

/** As many generations as `upstreamPlace` tells apart. */
const generationMask = 0x7ff

import { seededRandom } from '../../src/base/random.ts'
import { ShardEngine } from '../../src/engine/shard-engine.ts'
import type { WorkerEvent } from '../../src/link/messages.ts'
import type { PlanData, RouteData } from '../../src/link/plan-data.ts'
import { emptyPlan } from '../../src/link/plan-data.ts'
import * as metric from '../../src/metrics/catalog.ts'
import type { Counters } from '../../src/metrics/counters.ts'
import { looseCounters } from '../../src/metrics/counters.ts'
import type { Endpoint } from '../../src/net/endpoint.ts'
import { LoopBoard } from '../../src/upstream/loop-board.ts'
import { nameFromText } from '../../src/wire/text.ts'
import type { Message, ReplyParts } from './message.ts'
import { parse, reply } from './message.ts'
import type { Host } from './reactor-sim.ts'
import { SimWorld } from './reactor-sim.ts'

export const listenerAt: Endpoint = { address: Uint8Array.of(10, 0, 0, 53), port: 53, scope: 0 }

export function upstreamAt(number: number): Endpoint {
  return { address: Uint8Array.of(10, 0, 1, number), port: 53, scope: 0 }
}

export function clientAt(number: number): Endpoint {
  return { address: Uint8Array.of(10, 0, 2, number & 255), port: 1024 + number, scope: 0 }
}

/** A whole shard in a simulated network, with scripted upstreams and clients that remember their replies. */
export class SimShard {
  readonly world: SimWorld
  readonly counters: Counters = looseCounters()
  readonly engine: ShardEngine
  readonly events: WorkerEvent[] = []
  readonly replies: Message[] = []
  private generation = 1

  constructor(seed: number, plan: Partial<PlanData> = {}, upstreams = 1) {
    this.world = new SimWorld({ seed })
    const reactor = this.world.reactor()
    this.engine = new ShardEngine({
      reactor,
      sys: undefined,
      clock: this.world.clock,
      random: seededRandom(seed + 1),
      counters: this.counters,
      board: new LoopBoard(new SharedArrayBuffer(LoopBoard.bytes)),
      shard: 0,
      shards: 1,
      hashSeed: seed,
      shared: (_key, bytes) => new SharedArrayBuffer(bytes),
      events: (event) => this.events.push(event),
      control: () => {},
    })
    this.commit(plan, upstreams)
    const problems = this.engine.listen([{ id: 0, endpoint: listenerAt, fd: -1 }])
    if (problems.length > 0) throw new Error(problems.join())
    reactor.run(this.engine.turn)
  }

  /** A reload: the plan's parts over a default with `upstreams` UDP servers in one route. */
  commit(plan: Partial<PlanData>, upstreams = 1): void {
    const list = Array.from({ length: upstreams }, (_, i) => ({
      name: `10.0.1.${i}:53`,
      transport: 'udp' as const,
      address: upstreamAt(i).address,
      port: 53,
      scope: 0,
      isPrivate: true,
    }))
    const route: RouteData = { name: '.', zones: [], upstreams: list.map((_, i) => i) }
    const cache = { ...emptyPlan.cache, maxBytes: 1 << 20, ...plan.cache }
    const data = { ...emptyPlan, upstreams: list, routes: [route], ...plan, cache, generation: this.generation++ }
    this.engine.commit(this.engine.prepare(data))
  }

  /** Upstream `number` answers by `script`; loop probes get NXDOMAIN unless the script wants them. */
  upstream(number: number, script: (asked: Message) => ReplyParts | undefined): Message[] {
    const seen: Message[] = []
    const host: Host = (bytes, _from, send) => {
      const asked = parse(Buffer.from(bytes))
      const isProbe = asked.questions[0]?.type === 13
      if (!isProbe) seen.push(asked)
      const parts = isProbe ? { rcode: 3 } : script(asked)
      if (parts !== undefined) send(reply(asked, parts))
    }
    this.world.host(upstreamAt(number), host)
    return seen
  }

  /** Sends a client's query; its reply lands in `replies`. */
  send(bytes: Uint8Array, client = 1): void {
    this.world.host(clientAt(client), (got) => this.replies.push(parse(Buffer.from(got))))
    this.world.send(clientAt(client), listenerAt, bytes)
  }

  /** Sends, lets `ms` pass, and gives the one reply, or undefined. */
  ask(bytes: Uint8Array, ms = 20): Message | undefined {
    const before = this.replies.length
    this.send(bytes)
    this.world.advance(ms)
    return this.replies[before]
  }

  count(at: number): number {
    return this.counters.lane[at] as number
  }

  /** Queries minus outcomes minus who waits: 0, always. */
  get unaccounted(): number {
    const sum = (places: Record<string, number>) =>
      Object.values(places).reduce((total, at) => total + this.count(at), 0)
    return sum(metric.queries) - sum(metric.outcomes) - this.engine.waiting
  }
}

/** Wire form of a name, for plans. */
export function wire(name: string): Uint8Array {
  const bytes = nameFromText(name)
  if (bytes === undefined) throw new Error(`no name: ${name}`)
  return bytes
}

import { writeMapped } from '../base/address.ts'
import type { PlanData } from '../link/plan-data.ts'
import { upstreamsMax } from '../link/plan-data.ts'
import type { Query } from '../query/query.ts'
import type { LoopBoard } from './loop-board.ts'
import { HINT_ADDRESS, HINT_SAME } from './loop-hints.ts'

const addressBytes = 16

/**
 * Looks at queries that go upstream, never at hits: does one come from the upstream that it would go to, or is the same question open there? Then it
 * may have come back. That proves nothing, since a client may ask what another one asks, or live beside the upstream; it leads to a probe of ours, no more.
 */
export class Suspicion {
  private readonly board: LoopBoard
  private readonly addresses = new Uint8Array(upstreamsMax * addressBytes)
  private upstreams: readonly (readonly number[])[] = []

  constructor(board: LoopBoard) {
    this.board = board
  }

  configure(plan: PlanData): void {
    plan.upstreams.forEach(({ address }, i) => {
      writeMapped(address, this.addresses, i * addressBytes)
    })
    this.upstreams = plan.routes.map(({ upstreams }) => upstreams)
  }

  /** The query joins a flight that was sent to the upstreams `tried`, a bit each. */
  joined(query: Query, tried: number, now: number): void {
    const { hints } = this.board
    for (let rest = tried; rest !== 0; rest &= rest - 1) {
      const upstream = 31 - Math.clz32(rest & -rest)
      const strength = this.isFrom(query, upstream) ? HINT_ADDRESS : HINT_SAME
      hints.post(upstream, query.route, query.name, 0, query.nameLength, strength, now)
    }
  }

  /** The query is one that nobody else has asked for. */
  fresh(query: Query, now: number): void {
    const upstreams = this.upstreams[query.route]
    if (upstreams === undefined) return
    for (let i = 0; i < upstreams.length; i++) {
      const upstream = upstreams[i] as number
      if (!this.isFrom(query, upstream)) continue
      this.board.hints.post(upstream, query.route, query.name, 0, query.nameLength, HINT_ADDRESS, now)
    }
  }

  /** A loop probe of another server goes to the upstreams `tried`; its zone begins at label `label`. */
  probed(query: Query, label: number, tried: number, now: number): void {
    const from = label < query.labelCount ? (query.labels[label] as number) : query.nameLength - 1
    for (let rest = tried; rest !== 0; rest &= rest - 1) {
      const upstream = 31 - Math.clz32(rest & -rest)
      const strength = this.isFrom(query, upstream) ? HINT_ADDRESS : HINT_SAME
      this.board.hints.post(upstream, query.route, query.name, from, query.nameLength, strength, now)
    }
  }

  private isFrom({ client }: Query, upstream: number): boolean {
    const at = upstream * addressBytes
    // Addresses differ at their end first.
    for (let i = addressBytes - 1; i >= 0; i--) if (client[i] !== this.addresses[at + i]) return false
    return true
  }
}

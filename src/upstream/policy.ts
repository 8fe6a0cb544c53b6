import type { Random } from '../base/random.ts'
import type { PlanData } from '../link/plan-data.ts'
import { routesMax } from '../link/plan-data.ts'
import type { Health } from './health.ts'

/** One choice in so many goes to any upstream, or `fastest` would never learn that a slow one has become fast. */
const exploreOneIn = 32

/** Which upstream of a route is asked: a choice among those that the caller allows. */
export class Policy {
  private readonly health: Health
  private readonly random: Random
  private readonly turn = new Uint8Array(routesMax)
  private lists: readonly Uint8Array[] = []
  private masks = new Int32Array(0)
  private kind: PlanData['forward']['policy'] = 'fastest'

  constructor(health: Health, random: Random) {
    this.health = health
    this.random = random
  }

  configure(plan: PlanData): void {
    this.kind = plan.forward.policy
    this.lists = plan.routes.map((route) => Uint8Array.from(route.upstreams))
    this.masks = Int32Array.from(plan.routes, (route) => route.upstreams.reduce((mask, i) => mask | (1 << i), 0))
  }

  /** The route's upstreams, a bit each; 0 for a route that has none. */
  mask(route: number): number {
    return this.masks[route] ?? 0
  }

  /** The upstream to ask among the bits of `allowed`; -1 when the route has none of them. */
  choose(route: number, allowed: number): number {
    const usable = this.mask(route) & allowed
    if (usable === 0) return -1
    switch (this.kind) {
      case 'sequential':
        return this.nth(route, usable, 0)
      case 'roundRobin':
        return this.nth(route, usable, (this.turn[route] as number) % bitCount(usable))
      case 'random':
        return this.any(route, usable)
      default:
        return this.random.u16() % exploreOneIn === 0 ? this.any(route, usable) : this.fastest(route, usable)
    }
  }

  /** A new flight begins: `roundRobin` moves on. Looking for a second upstream must not. */
  advance(route: number): void {
    this.turn[route] = (this.turn[route] as number) + 1
  }

  /** The upstream that a new flight would go to, but for exploring; -1 where chance decides. For explain: no turn passes. */
  next(route: number, usable: number): number {
    switch (this.kind) {
      case 'sequential':
        return this.nth(route, usable, 0)
      case 'roundRobin':
        // `advance` comes before `choose`; its count is a byte.
        return this.nth(route, usable, (((this.turn[route] as number) + 1) & 0xff) % bitCount(usable))
      case 'random':
        return bitCount(usable) === 1 ? this.nth(route, usable, 0) : -1
      default:
        return this.fastest(route, usable)
    }
  }

  /** The route's upstreams as configured. */
  order(route: number): number[] {
    return [...(this.lists[route] ?? [])]
  }

  private any(route: number, usable: number): number {
    return this.nth(route, usable, this.random.u16() % bitCount(usable))
  }

  /** The n-th usable upstream in the order of the configuration. */
  private nth(route: number, usable: number, n: number): number {
    const list = this.lists[route] as Uint8Array
    let left = n
    for (let i = 0; i < list.length; i++) {
      const upstream = list[i] as number
      if ((usable & (1 << upstream)) !== 0 && left-- === 0) return upstream
    }
    return -1
  }

  /** The lowest round-trip time; one that was never measured comes first, so that it is. */
  private fastest(route: number, usable: number): number {
    const list = this.lists[route] as Uint8Array
    let best = -1
    for (let i = 0; i < list.length; i++) {
      const upstream = list[i] as number
      if ((usable & (1 << upstream)) === 0) continue
      if (best === -1 || (this.health.rtt[upstream] as number) < (this.health.rtt[best] as number)) best = upstream
    }
    return best
  }
}

function bitCount(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++
  return count
}

import { routesMax } from '../link/plan-data.ts'

/** Questions that may begin in a second, of one route and shard, while all its upstreams are down. */
const perSecond = 20
const msEach = 1000 / perSecond
/** What each good answer allows beyond that: who is only slow, or loses packets, is soon asked all there is to ask. */
const perAnswer = 2

/**
 * While all upstreams of a route are down, a few questions find out when one is back; all others are answered at once, with what is kept or with
 * SERVFAIL. So silence costs few flights, few packets, and nobody's time.
 */
export class Trickle {
  /** When the route's bucket of one second will be full again, in ms. */
  private readonly fullAt = new Float64Array(routesMax)

  take(route: number, now: number): boolean {
    const at = Math.max(this.fullAt[route] as number, now) + msEach
    if (at - now > 1000) return false
    this.fullAt[route] = at
    return true
  }

  /** One of the route's upstreams gave a good answer. */
  answered(route: number): void {
    this.fullAt[route] = (this.fullAt[route] as number) - perAnswer * msEach
  }
}

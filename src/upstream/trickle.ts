import { routesMax } from '../link/plan-data.ts'

/** Questions that may begin in a second, of one route and shard, while all its upstreams are down and none has said a word for ten seconds … */
const perSecond = 20
const msEach = 1000 / perSecond
/** … and so many at once before that: an upstream that only left a few names unanswered must not cost a page its other ones. */
const burst = 256

/**
 * While all upstreams of a route are silent, a few questions find out when one is back; all others are answered at once, with what is kept or with
 * SERVFAIL. So silence costs few flights, few packets, and nobody's time. The first answer ends it.
 */
export class Trickle {
  /** When the route's bucket will be full again, in ms. */
  private readonly fullAt = new Float64Array(routesMax)

  take(route: number, now: number): boolean {
    const at = Math.max(this.fullAt[route] as number, now) + msEach
    if (at - now > burst * msEach) return false
    this.fullAt[route] = at
    return true
  }
}

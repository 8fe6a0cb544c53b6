import { hashBytes } from '../base/hash.ts'
import type { PlanData } from '../link/plan-data.ts'
import { NameSet } from './name-set.ts'
import type { Query } from './query.ts'

/** Which route a question takes: the one with the longest zone at or above its name, else the default route. */
export class RouteTable {
  /**
   * A number per route that stands for its upstreams: part of the cache key, equal in all shards. A name has one route at a time, and routes
   * with the same upstreams have the same answers, so a reload that moves zones about keeps what is still true.
   */
  readonly keys: Uint32Array
  private readonly zones: NameSet
  private readonly routeOfZone: Uint8Array

  constructor(plan: PlanData) {
    const zones: Uint8Array[] = []
    const routes: number[] = []
    plan.routes.forEach((route, index) => {
      if (index === 0) return
      for (const zone of route.zones) {
        zones.push(zone)
        routes.push(index)
      }
    })
    this.zones = new NameSet(zones)
    this.routeOfZone = Uint8Array.from(routes)
    this.keys = Uint32Array.from(plan.routes, (route) => {
      const text = route.upstreams
        .map((index) => plan.upstreams[index]?.name)
        .sort()
        .join(',')
      const bytes = new TextEncoder().encode(text)
      return hashBytes(0, bytes, 0, bytes.length)
    })
  }

  find(query: Query): number {
    const zone = this.zones.longestSuffix(query)
    return zone === -1 ? 0 : (this.routeOfZone[zone] as number)
  }
}

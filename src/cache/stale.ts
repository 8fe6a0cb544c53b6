import type { PlanData } from '../link/plan-data.ts'
import { NameSet } from '../query/name-set.ts'
import type { CacheKey } from './entry.ts'

/**
 * Where an answer that is over may serve when nobody answers (RFC 8767): everywhere but for names that change hands within seconds, whose last
 * address may be somebody else's by now. A route may say otherwise for all names that take it.
 */
export class StaleScope {
  private readonly volatile: NameSet
  private readonly routes: readonly PlanData['routes'][number]['serveStale'][]

  constructor({ volatileNames, routes }: PlanData) {
    this.volatile = new NameSet(volatileNames)
    this.routes = routes.map(({ serveStale }) => serveStale)
  }

  /** `route`: index in the plan. */
  mayServe({ name, nameLength }: CacheKey, route: number): boolean {
    const said = this.routes[route]
    if (said === 'always' || said === 'never') return said === 'always'
    for (let at = 0; name[at] !== 0; at += (name[at] as number) + 1) {
      if (this.volatile.find(name, at, nameLength) !== -1) return false
    }
    return true
  }
}

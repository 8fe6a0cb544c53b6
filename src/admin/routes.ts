import type { Route } from './route.ts'
import { explain } from './routes/explain.ts'
import { health } from './routes/health.ts'
import { metrics } from './routes/metrics.ts'
import { ready } from './routes/ready.ts'
import { stats } from './routes/stats.ts'

/** THE list of paths. A function, since a route may keep something for its server. */
export function createRoutes(): readonly Route[] {
  return [
    metrics(), // for Prometheus
    health(), // for a liveness probe: restart us?
    ready(), // for a readiness probe: send us clients?
    stats(), // for people, with jq
    explain(), // for people who wonder about one name
  ]
}

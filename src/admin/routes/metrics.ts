import { createExposition, type Exposition } from '../../metrics/exposition.ts'
import type { Route } from '../route.ts'

/** The Prometheus text format; what it needs is loaded at the first scrape. */
export function metrics(): Route {
  let exposition: Promise<Exposition> | undefined
  return {
    path: '/metrics',
    async answer(provider) {
      exposition ??= createExposition(provider)
      const { contentType, text } = await exposition
      return { status: 200, type: contentType, body: await text() }
    },
  }
}

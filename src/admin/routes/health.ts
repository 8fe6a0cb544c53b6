import { type Route, text } from '../route.ts'

/**
 * Alive is who answers here: main's loop turns. It stays so in a loop and without upstreams, since a restart heals
 * neither; workers that hang are restarted by their supervisor.
 */
export function health(): Route {
  return { path: '/health', answer: () => text(200, 'ok') }
}

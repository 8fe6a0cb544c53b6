import { type Route, text } from '../route.ts'

/** 200 when clients may come: sockets bound, plan live, first loop verdict in; 503 with the reasons otherwise. */
export function ready(): Route {
  return {
    path: '/ready',
    answer(provider) {
      const state = provider.ready()
      return state.ready ? text(200, 'ready') : text(503, ['not ready', ...state.reasons].join('\n'))
    },
  }
}

import type { AdminProvider } from './provider.ts'

/** A path that the admin side answers. All that exist today are for GET and HEAD, and change nothing. */
export interface Route {
  readonly path: string
  answer(provider: AdminProvider, parameters: URLSearchParams): Answer | Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

export function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}

export function json(status: number, body: unknown): Answer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(body, undefined, 2)}\n` }
}

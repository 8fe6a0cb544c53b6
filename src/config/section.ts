import type { Field, Shape } from './field.ts'

/**
 * A block of settings. `S` is what the parser makes of it: plain data that survives structured cloning, for it travels
 * to the worker threads by postMessage.
 */
export interface Section<S> extends Shape<Readonly<S>> {
  readonly kind: 'section'
  readonly doc: string
  readonly fields: { readonly [K in keyof S]: Field<S[K]> }
}

/** Declares a block of settings; the type of the parsed block follows from its fields. */
export function section<S extends object>(doc: string, fields: { readonly [K in keyof S]: Field<S[K]> }): Section<S> {
  return { kind: 'section', doc, fields }
}

/** The parsed form of a section: `type CacheSettings = SettingsOf<typeof cacheSection>`. */
export type SettingsOf<X> = X extends Section<infer S> ? Readonly<S> : never

/** A section as a key of another one. Left out, it means all of its defaults. */
export function group<S>(
  inner: Section<S>,
  options: { readonly unbuilt?: (value: Readonly<S>) => boolean } = {},
): Field<Readonly<S>> {
  return { shape: inner, doc: inner.doc, default: {}, ...options }
}

/**
 * The words in which settings are declared. Each setting is declared once, as plain data; the parser, the reference
 * page and the JSON schema are all derived from it. Nothing here may import yaml or zod, for shards import the
 * settings of rules.
 *
 *   Field = Shape (what may be written) + doc + default (as an operator would write it; without one it is required)
 */
export interface Field<T> {
  readonly shape: Shape<T>
  readonly doc: string
  readonly default?: unknown
  /** True for a value that is accepted but has no effect in this version: setting it earns a warning. */
  unbuilt?(value: T): boolean
}

declare const parsed: unique symbol

/** What may be written for a value of type T. `kind` leads to the members; see AnyShape. */
export interface Shape<T> {
  readonly kind: AnyShape['kind']
  readonly [parsed]?: T
}

export type AnyShape =
  | BooleanShape
  | IntegerShape
  | NumberShape
  | QuantityShape
  | TextShape
  | OneOfShape
  | ListShape
  | EitherShape
  | SectionShape

export interface BooleanShape {
  readonly kind: 'boolean'
}

export interface IntegerShape {
  readonly kind: 'integer'
  readonly min: number
  readonly max: number
  readonly unit?: string
}

/** Any number, parts of one included. */
export interface NumberShape {
  readonly kind: 'number'
  readonly min: number
  readonly max: number
}

export type Quantity = 'duration' | 'size' | 'rate'

/** A number with a unit. `min` and `max` are as written; they and the value are parsed to ms, bytes, or per second. */
export interface QuantityShape {
  readonly kind: Quantity
  readonly min: string
  readonly max: string
}

export interface TextShape {
  readonly kind: 'text'
  /** Completes the sentence "expected …". */
  readonly what: string
  readonly example: string
  read(text: string): Read<unknown>
}

/** A value, or what is wrong with the text, as a clause in lower case. `unbuilt`: it is right, but not built yet. */
export type Read<T> =
  | { readonly value: T }
  | { readonly error: string; readonly suggestion?: string; readonly unbuilt?: true }

export interface OneOfShape {
  readonly kind: 'oneOf'
  readonly values: readonly string[]
}

export interface ListShape {
  readonly kind: 'list'
  readonly item: Shape<unknown>
  readonly minItems: number
  readonly maxItems: number
}

/** One fixed word, or something else: `auto` or a list, `off` or a rate. */
export interface EitherShape {
  readonly kind: 'either'
  readonly word: string
  readonly other: Shape<unknown>
}

export interface SectionShape {
  readonly kind: 'section'
  readonly doc: string
  readonly fields: { readonly [key: string]: Field<unknown> }
}

interface Said<T> {
  readonly doc: string
  unbuilt?(value: T): boolean
}

interface Ranged extends Said<number> {
  readonly default: string
  readonly min: string
  readonly max: string
}

export function boolean(said: Said<boolean> & { readonly default: boolean }): Field<boolean> {
  return { shape: { kind: 'boolean' }, ...said }
}

export function integer(
  said: Said<number> & { readonly default: number; readonly min: number; readonly max: number; readonly unit?: string },
): Field<number> {
  const { min, max, unit, ...rest } = said
  const shape: IntegerShape = { ...integerShape(min, max), ...(unit === undefined ? {} : { unit }) }
  return { shape, ...rest }
}

export function integerShape(min: number, max: number): Shape<number> & IntegerShape {
  return { kind: 'integer', min, max }
}

/** A part of a whole: 0.01 is one in a hundred. */
export function share(said: Said<number> & { readonly default: number }): Field<number> {
  const shape: NumberShape = { kind: 'number', min: 0, max: 1 }
  return { shape, ...said }
}

/** `30s`, `1900ms`, `1h`: parsed to milliseconds. */
export function duration(said: Ranged): Field<number> {
  return quantity('duration', said)
}

/** `16MiB`: parsed to bytes. */
export function size(said: Ranged): Field<number> {
  return quantity('size', said)
}

/** `500/s`: parsed to a number per second. */
export function rate(said: Ranged): Field<number> {
  return quantity('rate', said)
}

function quantity(kind: Quantity, { min, max, ...rest }: Ranged): Field<number> {
  return { shape: quantityShape(kind, min, max), ...rest }
}

export function quantityShape(kind: Quantity, min: string, max: string): Shape<number> & QuantityShape {
  return { kind, min, max }
}

export function oneOf<const V extends readonly string[]>(
  values: V,
  said: Said<V[number]> & { readonly default: V[number] },
): Field<V[number]> {
  const shape: OneOfShape = { kind: 'oneOf', values }
  return { shape, ...said }
}

/** A kind of text, such as a domain name: `read` checks it and may turn it into something else. */
export function textShape<T>(
  shape: Omit<TextShape, 'kind' | 'read'> & { readonly read: (text: string) => Read<T> },
): Shape<T> & TextShape {
  return { kind: 'text', ...shape }
}

/** One text of the given kind. */
export function text<T>(shape: Shape<T> & TextShape, said: Said<T> & { readonly default?: string }): Field<T> {
  return { shape, ...said }
}

export function list<T>(
  item: Shape<T>,
  said: Said<readonly T[]> & {
    readonly default?: readonly unknown[]
    readonly minItems?: number
    readonly maxItems: number
  },
): Field<readonly T[]> {
  const { minItems = 0, maxItems, ...rest } = said
  return { shape: listShape(item, minItems, maxItems), ...rest }
}

export function listShape<T>(item: Shape<T>, minItems: number, maxItems: number): Shape<readonly T[]> & ListShape {
  return { kind: 'list', item, minItems, maxItems }
}

/** One fixed word, or what the other shape allows. */
export function either<const W extends string, T>(
  word: W,
  other: Shape<T>,
  said: Said<W | T> & { readonly default: unknown },
): Field<W | T> {
  const shape: EitherShape = { kind: 'either', word, other }
  return { shape, ...said }
}

/** The members of a shape, to be told apart by `kind`. */
export function members(shape: Shape<unknown>): AnyShape {
  return shape as AnyShape
}

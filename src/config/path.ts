import { members, type Shape } from './field.ts'

/** Keys and list positions from the root to a value. */
export type Path = readonly PropertyKey[]

/** `routes[0].zones[1]`, as messages name it. */
export function pathText(path: Path): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${String(step)}`))
    .join('')
}

export function shapeAt(root: Shape<unknown>, path: Path): Shape<unknown> | undefined {
  let shape: Shape<unknown> | undefined = root
  for (const step of path) {
    if (shape === undefined) return undefined
    let inner = members(shape)
    if (inner.kind === 'either') inner = members(inner.other)
    if (inner.kind === 'section')
      shape = Object.hasOwn(inner.fields, step) ? inner.fields[String(step)]?.shape : undefined
    else shape = inner.kind === 'list' ? inner.item : undefined
  }
  return shape
}

export function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<PropertyKey, unknown>)[step]
  }
  return value
}

/** Where in the tree a key of this name stands, for an operator who put it into the wrong block. */
export function findKey(root: Shape<unknown>, key: string, above: Path = []): Path | undefined {
  const shape = members(root)
  if (shape.kind !== 'section') return undefined
  if (Object.hasOwn(shape.fields, key)) return [...above, key]
  for (const [name, field] of Object.entries(shape.fields)) {
    const found = findKey(field.shape, key, [...above, name])
    if (found !== undefined) return found
  }
  return undefined
}

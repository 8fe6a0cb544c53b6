import type { Quantity, Read } from './field.ts'

/** What one of each unit is worth, in ms, bytes, and per second. */
const units: { readonly [Q in Quantity]: { readonly [unit: string]: number } } = {
  duration: { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  size: { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 },
  rate: { '/s': 1, '/m': 1 / 60, '/h': 1 / 3600 },
}

/** How each is called in a sentence. */
export const quantityNames: { readonly [Q in Quantity]: string } = {
  duration: 'a duration',
  size: 'a size',
  rate: 'a rate',
}

/** The unit that someone who wrote a bare number most likely meant. */
const usualUnit: { readonly [Q in Quantity]: string } = { duration: 's', size: 'MiB', rate: '/s' }

/** `30s` → 30000, `16MiB` → 16777216, `500/s` → 500. */
export function readQuantity(kind: Quantity, input: unknown): Read<number> {
  const text = typeof input === 'number' ? String(input) : input
  if (typeof text !== 'string') return { error: 'it is neither text nor a number' }
  const parts = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z/]*)$/.exec(text.trim())
  if (parts === null) return { error: `it is not ${quantityNames[kind]}` }
  const [, number = '', unit = ''] = parts
  const worth = Object.hasOwn(units[kind], unit) ? units[kind][unit] : undefined
  if (worth !== undefined) return { value: Number(number) * worth }
  const known = nearUnit(kind, unit)
  const error = unit === '' ? 'the unit is missing' : `\`${unit}\` is not a unit of ${quantityNames[kind]}`
  return known === undefined ? { error } : { error, suggestion: `${number}${known}` }
}

/** The units of a kind, for the reference page and patterns. */
export function unitsOf(kind: Quantity): string[] {
  return Object.keys(units[kind])
}

/** `mib`, `M`, `MB`, `Mi` mean MiB; `S` and `sec` mean s; nothing means the usual one. */
function nearUnit(kind: Quantity, unit: string): string | undefined {
  if (unit === '') return usualUnit[kind]
  const names = unitsOf(kind)
  const lower = unit.toLowerCase()
  const first = (name: string) => name.toLowerCase().replace('/', '').charAt(0)
  return (
    names.find((name) => name.toLowerCase() === lower) ??
    names.find((name) => first(name) === lower.replace('/', '').charAt(0))
  )
}

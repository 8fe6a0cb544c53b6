import type { RouteData } from '../link/plan-data.ts'

/** Where something of a new plan stood in the one before, -1 for nowhere: by name. */
export function indexOf(list: readonly { readonly name: string }[] | undefined, name: string): number {
  return list?.findIndex((one) => one.name === name) ?? -1
}

/** A route is still the same when it kept one of its zones: a flight's name is below some of them, and its answer is as good. */
export function routeIndex(list: readonly RouteData[] | undefined, route: RouteData): number {
  const same = (zone: Uint8Array): boolean => route.zones.some((other) => Buffer.compare(zone, other) === 0)
  return list?.findIndex((one) => one.name === route.name || one.zones.some(same)) ?? -1
}

/** What stood at index `old` of a column before a reload; `otherwise` for what is new (-1). */
export function valueBefore(column: ArrayLike<number>, old: number, otherwise: number): number {
  return old === -1 ? otherwise : (column[old] as number)
}

import { networkInterfaces } from 'node:os'

/**
 * Interface names and indexes, which dgram wants and gives as names, and sockets as indexes. Asked of the system when
 * one is unknown.
 */
const names = new Map<number, string>()
const indexes = new Map<string, number>()

/** The index of the interface in `fe80::1%eth0`; 0 when the address has no scope or nobody knows it. */
export function scopeIndex(address: string): number {
  const name = address.split('%')[1]
  if (name === undefined) return 0
  if (!indexes.has(name)) read()
  return indexes.get(name) ?? 0
}

/** The name of an interface; its index in digits when nobody knows it. */
export function scopeName(index: number): string {
  if (!names.has(index)) read()
  return names.get(index) ?? String(index)
}

function read(): void {
  for (const [name, list] of Object.entries(networkInterfaces())) {
    for (const info of list ?? []) {
      if (info.family !== 'IPv6' || !info.scopeid) continue
      names.set(info.scopeid, name)
      indexes.set(name, info.scopeid)
    }
  }
}

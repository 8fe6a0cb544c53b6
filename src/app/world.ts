import { readFileSync, statSync } from 'node:fs'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

/** What the control plane reads of the machine, handed in so that tests can invent it. */
export interface World {
  /** The text of a file, or undefined when it can't be read. */
  readText(path: string): string | undefined
  interfaces(): NodeJS.Dict<NetworkInterfaceInfo[]>
}

/** Hosts files of block lists have a few MiB; a text beyond this is a mistake (a log, a device) and would cost its size in each thread. */
const textBytesMax = 64 * 2 ** 20

export const machine: World = {
  readText(path) {
    try {
      const stat = statSync(path)
      return stat.isFile() && stat.size <= textBytesMax ? readFileSync(path, 'utf8') : undefined
    } catch {
      return undefined
    }
  },
  interfaces: () => networkInterfaces(),
}

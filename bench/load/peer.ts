import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A server that the bench can start. All run on one thread, with caches that hold everything, and log no queries. */
export interface Peer {
  readonly name: string
  /** Where the program is, or undefined when it isn't installed. */
  find(): string | undefined
  /** Writes what it needs into the folder; says how it is started. */
  configure(place: Place): Launch
}

export interface Place {
  readonly folder: string
  /** Where it is to listen, on 127.0.0.1. */
  readonly port: number
  /** A second port that is free, for who needs one. */
  readonly sparePort: number
  /** The stub upstream, on 127.0.0.1. */
  readonly stubPort: number
}

export interface Launch {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Looks a program up on PATH and where Debian keeps servers. */
export function onPath(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin']
  return folders.map((folder) => join(folder, program)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

import { X509Certificate } from 'node:crypto'
import { SetupError } from '../threads/setup-error.ts'
import { unreadable } from './build-local.ts'
import type { World } from './world.ts'

const certificate = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g

/** Setting `forward.ca` → PEM, undefined for the certificates that Node ships. Throws SetupError when the file can't serve. */
export function caText(setting: string, world: World): string | undefined {
  if (setting === 'system') return undefined
  const problem = caProblem(setting, world)
  if (problem !== undefined) throw new SetupError(problem)
  return world.readText(setting)
}

/** What is wrong with the file, in a sentence. */
export function caProblem(setting: string, world: World): string | undefined {
  if (setting === 'system') return undefined
  const text = world.readText(setting)
  if (text === undefined) return `forward.ca: ${unreadable(setting)}`
  const blocks = text.match(certificate) ?? []
  if (blocks.length === 0) return `forward.ca: ${setting} has no certificate in it (PEM: -----BEGIN CERTIFICATE-----)`
  const broken = blocks.findIndex((block) => !isCertificate(block))
  return broken === -1 ? undefined : `forward.ca: certificate ${broken + 1} in ${setting} is broken`
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    return false
  }
}

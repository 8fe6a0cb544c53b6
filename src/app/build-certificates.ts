import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
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

/** Setting `tls` → PEM of certificate and key, undefined where there is none. Throws SetupError when the files can't serve. */
export function ownCertificate(setting: TlsFiles, world: World): { cert: string; key: string } | undefined {
  if (setting.certificate === 'none' || setting.key === 'none') return undefined
  const problem = ownProblem(setting, world)
  if (problem !== undefined) throw new SetupError(problem.sentence)
  return { cert: world.readText(setting.certificate) as string, key: world.readText(setting.key) as string }
}

/** What is wrong with the files, in a sentence, and which of the two settings says so. */
export function ownProblem(
  { certificate: certFile, key: keyFile }: TlsFiles,
  world: World,
): { readonly at: 'certificate' | 'key'; readonly sentence: string } | undefined {
  if (certFile === 'none' || keyFile === 'none') return undefined
  const cert = world.readText(certFile)
  if (cert === undefined) return { at: 'certificate', sentence: `tls.certificate: ${unreadable(certFile)}` }
  const [first = ''] = cert.match(certificate) ?? []
  if (!isCertificate(first))
    return { at: 'certificate', sentence: `tls.certificate: ${certFile} has no certificate in it (PEM)` }
  const text = world.readText(keyFile)
  if (text === undefined) return { at: 'key', sentence: `tls.key: ${unreadable(keyFile)}` }
  const key = privateKey(text)
  if (key === undefined)
    return { at: 'key', sentence: `tls.key: ${keyFile} has no private key in it (PEM, without a passphrase)` }
  if (new X509Certificate(first).checkPrivateKey(key)) return undefined
  return { at: 'key', sentence: `tls.key: ${keyFile} is not the key of the certificate in ${certFile}` }
}

export interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

function privateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    return false
  }
}

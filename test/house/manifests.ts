import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'

/** A Kubernetes object, as far as it is looked at here. */
export interface Manifest {
  readonly kind: string
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: PodSpec & { readonly template?: { readonly spec: PodSpec } }
}

export interface PodSpec {
  readonly hostNetwork?: boolean
  readonly containers?: readonly Container[]
}

export interface Container {
  readonly name: string
  readonly args?: readonly string[]
  readonly resources?: { readonly requests?: object; readonly limits?: object }
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean
    readonly runAsUser?: number
    readonly readOnlyRootFilesystem?: boolean
    readonly allowPrivilegeEscalation?: boolean
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] }
  }
  readonly livenessProbe?: { readonly httpGet: { readonly path: string; readonly port: number } }
  readonly readinessProbe?: { readonly httpGet?: { readonly path: string; readonly port: number } }
}

/** The objects of a file. Throws on the first problem, warnings too. */
export function manifestsOf(file: string): Manifest[] {
  const documents = parseAllDocuments(readFileSync(file, 'utf8'))
  if ('empty' in documents) throw new Error(`${file} is empty`)
  return documents.map((document) => {
    const [problem] = [...document.errors, ...document.warnings]
    if (problem !== undefined) throw problem
    return document.toJS() as Manifest
  })
}

import { packageOf, target } from './sources.ts'

/** A folder of src: what it may import of ours, and which of its files may import which package. */
export interface Layer {
  readonly level: number
  readonly folders: readonly string[]
  /** Packages by the start of the path of a file, from src. `node:` is allowed everywhere. */
  readonly packages?: Readonly<Record<string, readonly string[]>>
}

/** THE table of DESIGN 4: who may import whom. A file's own folder is always allowed. */
export const layers: readonly (Layer & { readonly imports: readonly string[] })[] = [
  { level: 0, folders: ['base'], imports: [] },
  { level: 1, folders: ['wire'], imports: ['base'] },
  { level: 1, folders: ['net'], imports: ['base'], packages: { 'net/sys.ts': ['koffi'] } },
  { level: 1, folders: ['metrics'], imports: ['base'], packages: { 'metrics/exposition.ts': ['prom-client'] } },
  { level: 1, folders: ['config'], imports: ['base'], packages: { 'config/parse': ['yaml', 'zod'] } },
  { level: 1, folders: ['link'], imports: ['base', 'net'] },
  { level: 2, folders: ['query'], imports: ['base', 'wire', 'net', 'link', 'metrics', 'config'] },
  {
    level: 3,
    folders: ['listen', 'guard', 'cache', 'upstream', 'streams'],
    imports: ['base', 'wire', 'net', 'link', 'metrics', 'config', 'query'],
    packages: { 'cache/': ['lru-cache'] },
  },
  {
    level: 4,
    folders: ['engine'],
    imports: ['base', 'wire', 'net', 'link', 'metrics', 'config', 'query', 'listen', 'guard', 'cache', 'upstream'],
  },
  {
    level: 5,
    folders: ['threads'],
    imports: [
      ...['base', 'wire', 'net', 'link', 'metrics', 'config', 'query'],
      ...['listen', 'guard', 'cache', 'upstream', 'streams', 'engine'],
    ],
  },
  { level: 6, folders: ['admin'], imports: ['base', 'metrics', 'config'] },
  {
    level: 7,
    folders: ['app'],
    imports: [
      ...['base', 'wire', 'net', 'link', 'metrics', 'config', 'query'],
      ...['listen', 'guard', 'cache', 'upstream', 'streams', 'engine', 'threads', 'admin'],
    ],
    packages: { 'app/': ['pino'] },
  },
  { level: 8, folders: ['cli'], imports: ['app', 'config', 'base'], packages: { 'cli/': ['commander', 'dns2'] } },
]

/** Why `file` may not import `specifier`, in a sentence, or undefined. Type imports count: they bind as tightly. */
export function misplaced(file: string, specifier: string): string | undefined {
  const [, folder] = file.split('/') as [string, string]
  const layer = layers.find(({ folders }) => folders.includes(folder))
  if (layer === undefined) return `${file} is in src/${folder}, which the table does not list`
  const to = target(file, specifier)
  if (to === undefined) return misplacedPackage(file, specifier, layer)
  if (!to.startsWith('src/')) return `${file} imports ${to}, which is not in src`
  const [, other] = to.split('/') as [string, string]
  if (other === folder) return folder === 'guard' ? misplacedRule(file, to) : undefined
  if (layer.imports.includes(other)) return undefined
  return `${file} (level ${layer.level}) imports ${to}, and src/${folder} may import ${layer.imports.join(', ') || 'nothing'}`
}

function misplacedPackage(file: string, specifier: string, { packages = {} }: Layer): string | undefined {
  if (specifier.startsWith('node:')) return undefined
  const path = file.slice('src/'.length)
  const allowed = Object.entries(packages).flatMap(([start, names]) => (path.startsWith(start) ? names : []))
  if (allowed.includes(packageOf(specifier))) return undefined
  return `${file} imports the package ${specifier}, and may import ${allowed.join(', ') || 'none'}`
}

/** A rule lives in its folder: only rules.ts knows it, and of the guard it knows rule.ts and what all rules share. */
function misplacedRule(file: string, to: string): string | undefined {
  const from = ruleOf(file)
  const other = ruleOf(to)
  if (other !== undefined && other !== from) {
    const isList = file === 'src/guard/rules.ts'
    return isList ? undefined : `${file} imports ${to}: only src/guard/rules.ts imports rules`
  }
  if (from === undefined || other !== undefined || sharedByRules.includes(to)) return undefined
  return `${file} imports ${to}, and a rule may import of the guard ${sharedByRules.join(', ')}`
}

/** The interface, and how a denial of our own is written. */
const sharedByRules = ['src/guard/rule.ts', 'src/guard/negative.ts']

function ruleOf(file: string): string | undefined {
  const [, , folder, inside] = file.split('/')
  return inside === undefined ? undefined : folder
}

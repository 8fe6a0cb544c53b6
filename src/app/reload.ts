import { readFileSync } from 'node:fs'
import type { Problem } from '../config/problem.ts'
import type { PlanData } from '../link/plan-data.ts'
import type { Say } from '../threads/keeper.ts'
import { SetupError } from '../threads/setup-error.ts'
import { type Build, build } from './build.ts'
import type { Source } from './load.ts'
import { loadApart } from './load-apart.ts'
import type { Settings } from './settings.ts'
import { FileWatch } from './watch.ts'
import type { World } from './world.ts'

export interface ReloadOptions {
  readonly source: Source
  readonly world: World
  readonly say: Say
  readonly print: (problems: readonly Problem[]) => void
  /** Makes it live; rejects when somebody refuses, with nothing changed. */
  readonly apply: (settings: Settings, built: Build) => Promise<void>
}

/** Follows the configuration and the files it names; keeps the old plan whenever the new one is not good. */
export class Reload {
  private readonly options: ReloadOptions
  private readonly watch: FileWatch
  private plan: PlanData
  private attempts: number
  private queue: Promise<void> = Promise.resolve()

  constructor(options: ReloadOptions, first: Build) {
    this.options = options
    this.plan = first.plan
    this.attempts = first.plan.generation
    this.watch = new FileWatch(
      () => void this.run('a file has changed', false),
      () => networks(options.world),
    )
    this.follow(first)
  }

  /** Reloads after those that are under way. Never rejects. */
  run(why: string, onOrder: boolean): Promise<void> {
    this.queue = this.queue.then(() => this.once(why, onOrder))
    return this.queue
  }

  close(): void {
    this.watch.close()
  }

  private async once(why: string, onOrder: boolean): Promise<void> {
    const { source, world, say, print, apply } = this.options
    // From here on a change asks for one more reload; what is read now is not read twice.
    this.watch.settle()
    try {
      if (!onOrder && isEmpty(source.file))
        throw new SetupError(`${source.file} is empty, as if somebody was still writing it`)
      const { settings, problems } = await loadApart(source)
      print(problems)
      if (settings === undefined) throw new SetupError(problemsIn(problems))
      const built = build(settings, ++this.attempts, world, this.plan)
      for (const warning of built.warnings) say('warn', warning)
      await apply(settings, built)
      this.plan = built.plan
      this.follow(built)
      say('info', `reloaded: ${why}`)
    } catch (error) {
      say('error', `reload refused, the old settings stay: ${(error as Error).message}`)
    }
  }

  private follow({ watched }: Build): void {
    const { file } = this.options.source
    this.watch.follow(file === undefined ? watched : [file, ...watched])
  }
}

function problemsIn(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const [first] = errors
  const where = first === undefined || first.line === 0 ? first?.file : `${first.file}:${first.line}:${first.column}`
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return `${where}: ${first?.message}${more}`
}

/** An empty file means all defaults, which nobody wants by accident: many editors empty a file before they write it. */
function isEmpty(file: string | undefined): boolean {
  try {
    return file !== undefined && readFileSync(file).length === 0
  } catch {
    return false
  }
}

/** Our own networks: acl's `onLink` and what counts as our own address hang on them. */
function networks(world: World): string {
  const all = Object.values(world.interfaces()).flatMap((list) => list ?? [])
  return all
    .map(({ cidr }) => cidr)
    .sort()
    .join(' ')
}

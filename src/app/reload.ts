import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Problem } from '../config/problem.ts'
import type { PlanData } from '../link/plan-data.ts'
import type { Say } from '../threads/keeper.ts'
import { SetupError } from '../threads/setup-error.ts'
import { type Build, build } from './build.ts'
import type { Source } from './load.ts'
import { loadApart } from './load-apart.ts'
import type { Settings } from './settings.ts'
import { stampsOf, untilStill } from './stillness.ts'
import { FileWatch } from './watch.ts'
import type { World } from './world.ts'

export interface ReloadOptions {
  readonly source: Source
  readonly world: World
  readonly say: Say
  readonly print: (problems: readonly Problem[]) => void
  /** How long a file may be in motion before the reload is given up; 10 s, if not said. */
  readonly patienceMs?: number
  /** Makes it live; rejects when somebody refuses, with nothing changed. */
  readonly apply: (settings: Settings, built: Build) => Promise<void>
}

/** Follows the configuration and the files it names; keeps the old plan whenever the new one is not good. */
export class Reload {
  private readonly options: ReloadOptions
  private readonly watch: FileWatch
  private plan: PlanData
  private settings: Settings
  private known: Build['known']
  /** The state of all files but those in the form of resolv.conf, as of the last time they were read. */
  private others = ''
  private attempts: number
  /** The configuration and what it names, as of the plan that is live. */
  private files: readonly string[] = []
  private isClosed = false
  private queue: Promise<void> = Promise.resolve()

  constructor(options: ReloadOptions, first: Build, settings: Settings) {
    this.options = options
    this.plan = first.plan
    this.known = first.known
    this.settings = settings
    this.attempts = first.plan.generation
    this.watch = new FileWatch(
      () => void this.run(),
      () => networks(options.world),
    )
    this.follow(first)
  }

  /** Reloads after those that are under way. Never rejects. Without a reason a file has changed, which need not mean anything. */
  run(why?: string): Promise<void> {
    this.queue = this.queue.then(() => this.once(why))
    return this.queue
  }

  close(): void {
    this.isClosed = true
    this.watch.close()
  }

  private async once(why: string | undefined): Promise<void> {
    const { say, apply } = this.options
    try {
      const { settings, built } = await this.read()
      if (this.isClosed) return
      this.known = built.known
      for (const warning of built.warnings) say('warn', warning)
      // DHCP writes resolv.conf anew with each lease; and where a file's last good content stays, nothing changes either.
      if (why === undefined && this.saysTheSame(settings, built)) return this.follow(built)
      await apply(settings, built)
      this.plan = built.plan
      this.settings = settings
      this.follow(built)
      say('info', `reloaded: ${why ?? 'a file has changed'}`)
    } catch (error) {
      say('error', `reload refused, the old settings stay: ${(error as Error).message}`)
    }
  }

  private saysTheSame(settings: Settings, built: Build): boolean {
    const { plan } = built
    const { generation } = this.plan
    if (this.stampsOfOthers(built) !== this.others) return false
    return isDeepStrictEqual([settings, { ...plan, generation }], [this.settings, this.plan])
  }

  /** Reads all files when nobody is writing them, and again when somebody has begun to meanwhile. */
  private async read(): Promise<{ settings: Settings; built: Build }> {
    const { source, world, print, patienceMs = 10_000 } = this.options
    const end = performance.now() + patienceMs
    for (;;) {
      const { files } = this
      const stamps = await this.untilStill(files, end - performance.now())
      const isWritten = () => stampsOf(files) !== stamps
      if (isEmpty(source.file) && !isWritten()) {
        throw new SetupError(`${source.file} is empty, as if somebody was still writing it; {} means all defaults`)
      }
      const { settings, problems, local } = await loadApart(source)
      if (isWritten()) continue
      print(problems)
      if (settings === undefined) throw new SetupError(problemsIn(problems))
      const built = build(settings, ++this.attempts, world, this.plan, local, this.known)
      if (!isWritten()) return { settings, built }
    }
  }

  /** Until it returns no change asks for one more reload: what is read then is not read twice. */
  private async untilStill(files: readonly string[], patienceMs: number): Promise<string> {
    this.watch.hold()
    try {
      const stamps = await untilStill(files, patienceMs)
      this.watch.settle()
      return stamps
    } finally {
      this.watch.release()
    }
  }

  private follow(built: Build): void {
    const { file } = this.options.source
    this.files = file === undefined ? built.watched : [file, ...built.watched]
    this.others = this.stampsOfOthers(built)
    this.watch.follow(this.files)
  }

  private stampsOfOthers({ watched, resolvConfs }: Build): string {
    const { file } = this.options.source
    const named = watched.filter((one) => !resolvConfs.includes(one))
    return stampsOf(file === undefined ? named : [file, ...named])
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
    return file !== undefined && readFileSync(file, 'latin1').trim() === ''
  } catch {
    // Why it can't be read is said by whoever needs it.
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

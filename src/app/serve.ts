import { networkInterfaces } from 'node:os'
import { type Admin, startAdmin } from '../admin/server.ts'
import { monotonicClock } from '../base/clock.ts'
import { secureRandom } from '../base/random.ts'
import { type SocketAddress, socketAddressText } from '../config/address.ts'
import type { Problem } from '../config/problem.ts'
import type { WorkerEvent } from '../link/messages.ts'
import { receiveBufferBytes } from '../net/sockets.ts'
import { openSys, type Sys } from '../net/sys.ts'
import type { Say } from '../threads/keeper.ts'
import { SetupError } from '../threads/setup-error.ts'
import { Supervisor } from '../threads/supervisor.ts'
import { type Build, build } from './build.ts'
import type { Source } from './load.ts'
import { openLog } from './log.ts'
import { createProvider, type Facts, loopKey } from './provider.ts'
import { Reload } from './reload.ts'
import { RuleEvents } from './rule-events.ts'
import { loopSentence, planLines, startLines } from './sentences.ts'
import type { Settings } from './settings.ts'
import { onSignals } from './shutdown.ts'
import { version } from './version.ts'
import { machine } from './world.ts'

export { SetupError }

export interface ServeOptions {
  readonly source: Source
  /** What `load` made of the source. */
  readonly settings: Settings
  readonly local: SharedArrayBuffer | undefined
  readonly udp: 'auto' | 'epoll' | 'dgram'
  /** Prints problems of a configuration that is reloaded. */
  readonly print: (problems: readonly Problem[]) => void
}

/**
 * Starts everything; resolves when it serves, and the process lives on until a signal ends it. Rejects with SetupError,
 * everything undone, when the operator must mend something first.
 */
export async function serve({ source, settings, local, udp, print }: ServeOptions): Promise<void> {
  const log = openLog(settings.log.level)
  const say: Say = (level, sentence, fields = {}) => log.logger[level](fields, sentence)
  const clock = monotonicClock()
  const first = build(settings, 1, machine, undefined, local)
  const { sys, engine, reason } = chooseEngine(udp)
  const supervisor = new Supervisor({
    sys,
    clock,
    hashSeed: secureRandom().u32(),
    interfaces: networkInterfaces,
    say,
    event: heard,
  })
  const facts: Facts = {
    supervisor,
    clock,
    engine,
    plan: first.plan,
    servingSince: 0,
    isDraining: false,
    loopSince: new Map(),
    ruleEvents: new RuleEvents(),
  }
  const provider = createProvider(facts)
  let adminAt = settings.admin.listen
  let admin = await openAdmin(adminAt)
  // A thread in epoll_wait would hold up the end of the process, whatever ends it.
  process.on('exit', () => supervisor.letGo())
  try {
    await supervisor.start({ plan: first.plan, listen: settings.listen, threads: settings.threads })
  } catch (error) {
    await admin.close()
    throw error
  }
  facts.servingSince = clock.now()
  for (const line of startLines(startFacts())) say('info', line)
  for (const warning of first.warnings) say('warn', warning)
  log.flush()
  // What reading the configuration and compiling hot code took is free by now, but the C library keeps it.
  sys?.trim()
  setInterval(() => sys?.trim(), trimEveryMs).unref()

  const reload = new Reload({ source, world: machine, say, print, apply }, first, settings)
  process.on('SIGHUP', () => void reload.run('SIGHUP'))
  onSignals(async (signal) => {
    facts.isDraining = true
    say('info', `${signal}: answering what waits, then ending`)
    reload.close()
    await supervisor.drain(drainWithinMs)
    await supervisor.stop()
    await admin.close()
    await log.close()
  })

  async function apply(next: Settings, { plan }: Build): Promise<void> {
    const wanted = next.admin.listen
    const moves = socketAddressText(wanted) !== socketAddressText(adminAt)
    const nextAdmin = moves ? await openAdmin(wanted) : undefined
    try {
      await supervisor.reload({ plan, listen: next.listen, threads: next.threads })
    } catch (error) {
      await nextAdmin?.close()
      throw error
    }
    facts.plan = plan
    facts.ruleEvents.keep(plan.rules.map(({ name }) => name))
    log.logger.level = next.log.level
    for (const line of planLines(plan)) say('info', line)
    // The thread that read the settings has ended, and the C library keeps what it took.
    sys?.trim()
    if (nextAdmin === undefined) return
    await admin.close()
    admin = nextAdmin
    adminAt = wanted
  }

  async function openAdmin(listen: SocketAddress): Promise<Admin> {
    try {
      return await startAdmin({ listen: [listen], provider })
    } catch (error) {
      throw new SetupError((error as Error).message)
    }
  }

  function heard(event: WorkerEvent): void {
    if (event.kind === 'note') return say(event.level, event.sentence)
    if (event.kind === 'rule') {
      facts.ruleEvents.hear(event, Date.now())
      return say(event.level, `${event.rule}: ${event.sentence}`, event.figures)
    }
    facts.loopSince.set(loopKey(event.route, event.upstream), Date.now())
    say(event.marked ? 'warn' : 'info', loopSentence(event))
  }

  function startFacts(): Parameters<typeof startLines>[0] {
    return {
      version,
      listeners: supervisor.sockets.listeners.map(({ text }) => text),
      admin: socketAddressText(settings.admin.listen),
      plan: first.plan,
      engine,
      engineReason: reason,
      shards: supervisor.shardCount,
      receiveBuffer: supervisor.sockets.receiveBuffer,
      receiveBufferWanted: receiveBufferBytes,
    }
  }
}

/** Freed memory goes back to the system this often: a call of a millisecond, in main. */
const trimEveryMs = 10_000
/** How long a service manager's patience may be used for those who wait: about the default reply deadline. */
const drainWithinMs = 2000

interface Engine {
  readonly sys: Sys | undefined
  readonly engine: string
  readonly reason: string | undefined
}

function chooseEngine(udp: ServeOptions['udp']): Engine {
  if (udp === 'dgram') return { sys: undefined, engine: 'dgram', reason: '--udp dgram asks for it' }
  const sys = openSys()
  if (typeof sys !== 'string') return { sys, engine: 'epoll (batched system calls)', reason: undefined }
  if (udp === 'epoll') throw new SetupError(`--udp epoll: ${sys}`)
  return { sys: undefined, engine: 'dgram', reason: sys }
}

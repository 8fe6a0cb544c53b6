/**
 * The real program, started as an operator starts it: `node dist/cli/main.js serve --config FILE`, on free ports of
 * loopback, in a folder of its own. Tests know it by its sockets, its admin port, its output and its exit code alone.
 */
import { strict as assert } from 'node:assert'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd, endWithUs } from './cleanup.ts'
import type { Endpoint } from './client.ts'
import { type Metrics, parseMetrics } from './metrics.ts'
import { freePort } from './ports.ts'

/** Tests run from the project's root, as npm starts them. */
export const MAIN = resolve('dist/cli/main.js')

export interface ProgramOptions {
  readonly args?: readonly string[]
  /** For Node itself, before the program; a channel (`child.send`) is opened for whatever they load. */
  readonly nodeArgs?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Addresses to listen on, one port for all; 127.0.0.1 by default. */
  readonly addresses?: readonly string[]
  /** A port found before, for a configuration that must name it. */
  readonly port?: number
  /** The folder's files are the test's own: writes them, says which is the configuration. */
  readonly place?: (folder: string, text: string) => string
  /** Do not wait for `/ready`. */
  readonly early?: boolean
  /** The end is the test's own matter: no check of exit code, stderr and books. */
  readonly careless?: boolean
}

export interface Settings {
  readonly [key: string]: unknown
}

export interface Program extends Endpoint {
  readonly pid: number
  /** A folder of the test's own, gone afterwards. */
  readonly folder: string
  readonly configFile: string
  readonly adminPort: number
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** The configuration as text, with the listen and admin addresses of this program unless it names others. */
  text(settings: Settings): string
  /** Writes the configuration anew, at one stroke: beside the old one, then renamed. */
  rewrite(settings: Settings): void
  /** GET on the admin port. */
  get(path: string): Promise<Response>
  metrics(): Promise<Metrics>
  stats(): Promise<unknown>
  /** Waits until the output matches, or fails. */
  says(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  /** Waits for the end: exit code, or the signal's name. */
  ended(timeoutMs?: number): Promise<number | string | undefined>
  /** SIGTERM, then every check that holds for each run: books, a quiet stderr, exit code 0. */
  stop(): Promise<void>
}

export async function startProgram(t: TestContext, settings: Settings, options: ProgramOptions = {}): Promise<Program> {
  const addresses = options.addresses ?? ['127.0.0.1']
  const port = options.port ?? (await freePort(addresses))
  const adminPort = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'dnsweir-test-'))
  const base = {
    listen: addresses.map((address) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)),
    admin: { listen: `127.0.0.1:${adminPort}` },
    // Never what the machine's own resolv.conf happens to say.
    searchSuffixes: [],
  }
  const text = (next: Settings): string => yaml({ ...base, ...next })
  const configFile = options.place?.(folder, text(settings)) ?? join(folder, 'dnsweir.yaml')
  if (!options.place) writeFileSync(configFile, text(settings))

  const { args = [], nodeArgs = [] } = options
  const child: ChildProcess = spawn(process.execPath, [...nodeArgs, MAIN, 'serve', '--config', configFile, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', nodeArgs.length > 0 ? 'ipc' : 'ignore'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...options.env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const gone = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
  const output = (): string => `\n-- stdout --\n${stdout}\n-- stderr --\n${stderr}`
  let stopped = false
  endWithUs(child)

  const program: Program = {
    address: addresses[0] as string,
    port,
    pid: child.pid as number,
    folder,
    configFile,
    adminPort,
    child,
    text,
    rewrite(next) {
      writeFileSync(`${configFile}.next`, text(next))
      renameSync(`${configFile}.next`, configFile)
    },
    stdout: () => stdout,
    stderr: () => stderr,
    get: (path) => fetch(`http://127.0.0.1:${adminPort}${path}`, { signal: AbortSignal.timeout(5000) }),
    async metrics() {
      const response = await program.get('/metrics')
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
      return parseMetrics(await response.text())
    },
    async stats() {
      const response = await program.get('/api/stats')
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
      return response.json()
    },
    async says(pattern, timeoutMs = 5000) {
      const deadline = Date.now() + timeoutMs
      for (;;) {
        const found = pattern.exec(stdout + stderr)
        if (found) return found
        assert.ok(Date.now() < deadline, `said nothing like ${pattern} in ${timeoutMs} ms${output()}`)
        await sleep(20)
      }
    },
    signal: (name) => child.kill(name),
    async ended(timeoutMs = 10_000) {
      const late = sleep(timeoutMs, undefined, { ref: false })
      return Promise.race([gone, late])
    },
    async stop() {
      if (stopped) return
      stopped = true
      try {
        if (options.careless) return
        const running = child.exitCode === null && child.signalCode === null
        assert.ok(running, `the program ended by itself (${child.exitCode ?? child.signalCode})${output()}`)
        await assertBooksBalance(program)
        child.kill('SIGTERM')
        assert.equal(await program.ended(), 0, `exit code after SIGTERM${output()}`)
        assert.doesNotMatch(stdout + stderr, /^\s+at \S+.*:\d+:\d+\)?$/m, `a stack trace was printed${output()}`)
      } finally {
        child.kill('SIGKILL')
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
  atEnd(t, () => program.stop())
  if (!options.early) await untilReady(program, output)
  return program
}

/** Runs a command of the program to its end. */
export async function runCommand(
  args: readonly string[],
  { timeoutMs = 10_000, env = {} as Readonly<Record<string, string>> } = {},
): Promise<{ code: number | string | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
    timeout: timeoutMs,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const [code, signal] = await once(child, 'close')
  return { code: code ?? signal, stdout, stderr }
}

/** JSON is YAML. */
export function yaml(settings: Settings): string {
  return `${JSON.stringify(settings, undefined, 2)}\n`
}

/** A folder for a test's files. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'dnsweir-test-'))
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** At rest: every query has one outcome (DESIGN 6). Waits for rest as long as flights may live. */
export async function assertBooksBalance(program: Program): Promise<void> {
  const deadline = Date.now() + 8000
  for (;;) {
    const metrics = await program.metrics()
    const queries = metrics.sum('dnsweir_queries_total')
    const outcomes = metrics.sum('dnsweir_outcomes_total')
    const unaccounted = metrics.value('dnsweir_unaccounted')
    if (queries === outcomes && unaccounted === 0) return
    assert.ok(Date.now() < deadline, `${queries} queries, ${outcomes} outcomes, ${unaccounted} unaccounted`)
    await sleep(100)
  }
}

async function untilReady(program: Program, output: () => string): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    assert.equal(program.child.exitCode, null, `the program ended with ${program.child.exitCode}${output()}`)
    assert.ok(Date.now() < deadline, `not ready in 10 s${output()}`)
    try {
      if ((await program.get('/ready')).status === 200) return
    } catch {
      // Not listening yet.
    }
    await sleep(25)
  }
}

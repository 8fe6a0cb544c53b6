import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../test/support/ports.ts'
import type { Order, Outcome } from './generator.ts'
import { question } from './names.ts'
import { onPath, type Peer } from './peer.ts'

export interface Server {
  readonly name: string
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

/** Starts the stub upstream on the generator's core. */
export async function startStub(): Promise<Server> {
  const port = await freePort()
  const child = pinned(generatorCore, process.execPath, [beside('stub'), String(port)])
  return settled('stub', child, port, () => {})
}

/** Starts a server on the servers' core, and waits until it answers. */
export async function startServer(peer: Peer, stubPort: number): Promise<Server> {
  const program = peer.find()
  if (program === undefined) throw new Error(`${peer.name} is not installed`)
  const folder = mkdtempSync(join(tmpdir(), `dnsweir-bench-${peer.name}-`))
  const [port, sparePort] = [await freePort(), await freePort()]
  const { args, env } = peer.configure({ folder, port, sparePort, stubPort })
  const child = pinned(serverCore, program, args, env)
  return settled(peer.name, child, port, () => rmSync(folder, { recursive: true, force: true }))
}

/** Runs the generator once, on its core. */
export async function generate(order: Order): Promise<Outcome> {
  const child = pinned(generatorCore, process.execPath, [beside('generator'), JSON.stringify(order)])
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the generator failed: ${logOf(child)}`)
  return JSON.parse(logOf(child)) as Outcome
}

/** With a second CPU and taskset, servers run on CPU 0 alone, and stub and generator on CPU 1 alone. */
export const pinning = availableParallelism() > 1 ? onPath('taskset') : undefined
const serverCore = 0
const generatorCore = 1

const logs = new WeakMap<ChildProcess, string>()

function pinned(core: number, program: string, args: readonly string[], env = {}): ChildProcess {
  const command = pinning === undefined ? [program, ...args] : [pinning, '-c', String(core), program, ...args]
  const [first = program, ...rest] = command
  const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => logs.set(child, `${logOf(child)}${text}`.slice(-logCharsMax)))
  }
  // However the bench itself ends, it leaves nothing behind.
  const end = (): void => void child.kill('SIGKILL')
  process.once('exit', end)
  child.once('close', () => process.off('exit', end))
  return child
}

function logOf(child: ChildProcess): string {
  return logs.get(child) ?? ''
}

async function settled(name: string, child: ChildProcess, port: number, clean: () => void): Promise<Server> {
  const gone = once(child, 'close')
  async function stop(): Promise<void> {
    const late = setTimeout(() => child.kill('SIGKILL'), 3000)
    child.kill('SIGTERM')
    await gone
    clearTimeout(late)
    clean()
  }
  for (const deadline = Date.now() + startMsMax; !(await answers(port)); await sleep(50)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`${name} does not answer: ${logOf(child)}`)
    }
  }
  return { name, pid: child.pid as number, port, stop }
}

async function answers(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    const reply = once(socket, 'message', { signal: AbortSignal.timeout(500) })
    socket.send(question('h0.bench.example', 1), port, '127.0.0.1')
    const [bytes] = (await reply) as [Buffer]
    // Not before it has reached its upstream.
    return ((bytes[3] as number) & 15) === 0
  } catch {
    return false
  } finally {
    socket.close()
  }
}

/** The compiled program of this folder: tsc does not rewrite the extension in a URL. */
function beside(name: string): string {
  return fileURLToPath(new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))
}

const startMsMax = 15_000
const logCharsMax = 10_000

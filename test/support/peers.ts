/** Real peers: dnsmasq and unbound, started on a free port of loopback in a folder of their own, ended by their id. */
import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd, endWithUs } from './cleanup.ts'
import { type Endpoint, maybeAsk } from './client.ts'
import { freePort } from './ports.ts'

export interface Peer extends Endpoint {
  readonly target: string
  readonly folder: string
  /** What it wrote on its output so far. */
  log(): string
  stop(): Promise<void>
}

/** What `node:test` takes for `skip`: false when all the programs are there, else the sentence that says which is not. */
export function skipWithout(...programs: string[]): string | false {
  const missing = programs.filter((program) => pathOf(program) === undefined)
  return missing.length === 0 ? false : `${missing.join(' and ')} is not installed`
}

/** dnsmasq with the given lines; it logs each query, keeps no files and reads none. */
export async function startDnsmasq(t: TestContext, lines: readonly string[], port?: number): Promise<Peer> {
  const at = port ?? (await freePort())
  return startPeer(t, at, 'dnsmasq', (folder) => {
    const file = join(folder, 'dnsmasq.conf')
    const own = ['no-resolv', 'no-hosts', 'no-poll', 'bind-interfaces', 'log-queries', 'log-facility=-', 'user=']
    writeFileSync(file, `${[...own, 'listen-address=127.0.0.1', `port=${at}`, ...lines].join('\n')}\n`)
    return ['--keep-in-foreground', `--conf-file=${file}`, `--pid-file=${join(folder, 'pid')}`]
  })
}

/** unbound with the given lines of its `server:` clause, and further clauses after it. */
export async function startUnbound(
  t: TestContext,
  server: readonly string[],
  clauses = '',
  port?: number,
): Promise<Peer> {
  const at = port ?? (await freePort())
  return startPeer(t, at, 'unbound', (folder) => {
    const file = join(folder, 'unbound.conf')
    const own = [
      'interface: 127.0.0.1',
      `port: ${at}`,
      'username: ""',
      'chroot: ""',
      `directory: "${folder}"`,
      'pidfile: ""',
      'use-syslog: no',
      'verbosity: 1',
      'log-queries: yes',
      'do-daemonize: no',
      'do-not-query-localhost: no',
      'module-config: "iterator"',
      'num-threads: 1',
      ...server,
    ]
    writeFileSync(file, `server:\n${own.map((line) => `  ${line}\n`).join('')}${clauses}\nremote-control:\n`)
    return ['-d', '-c', file]
  })
}

/** A command to its end, with what it wrote. */
export async function runTool(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  timeoutMs = 15_000,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const path = pathOf(name) ?? assert.fail(`${name} is not installed`)
  const child = spawn(path, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
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
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

async function startPeer(
  t: TestContext,
  port: number,
  name: string,
  configure: (folder: string) => string[],
): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), `dnsweir-${name}-`))
  const child = spawn(pathOf(name) ?? name, configure(folder), { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      log += text
    })
  }
  const gone = once(child, 'exit')
  endWithUs(child)
  let stopped = false
  const peer: Peer = {
    address: '127.0.0.1',
    port,
    target: `127.0.0.1:${port}`,
    folder,
    log: () => log,
    async stop() {
      if (stopped) return
      stopped = true
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 3000)
      await gone
      clearTimeout(late)
      rmSync(folder, { recursive: true, force: true })
    },
  }
  atEnd(t, () => peer.stop())
  await untilAnswering(peer, () => child.exitCode, name)
  return peer
}

async function untilAnswering(peer: Peer, exitCode: () => number | null, name: string): Promise<void> {
  const deadline = Date.now() + 5000
  for (;;) {
    assert.equal(exitCode(), null, `${name} ended: ${peer.log()}`)
    assert.ok(Date.now() < deadline, `${name} did not answer in 5 s: ${peer.log()}`)
    if (await maybeAsk(peer, 'version.bind', 'TXT', { class: 3, timeoutMs: 100 })) return
    await sleep(20)
  }
}

/** Where a program is: PATH, and the places where Debian keeps servers. */
function pathOf(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin']
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

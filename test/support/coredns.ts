/** A real CoreDNS that forwards and caches, where it is on PATH. */
import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd, endWithUs } from './cleanup.ts'
import { type Endpoint, maybeAsk } from './client.ts'
import { freePort } from './ports.ts'
import { temporaryFolder } from './program.ts'

export interface CoreDns extends Endpoint {
  readonly target: string
  stop(): Promise<void>
}

/** As nodelocaldns is set up: 30 s for all that may be kept. */
export async function startCoreDns(t: TestContext, upstream: Endpoint): Promise<Endpoint> {
  const forward = `forward . ${upstream.address}:${upstream.port} {\n    max_fails 0\n  }`
  return startCoreFile(
    t,
    await freePort(),
    (port) => `.:${port} {\n  bind 127.0.0.1\n  errors\n  cache 30\n  ${forward}\n}\n`,
  )
}

/** With a Corefile of the test's own, which serves the root on 127.0.0.1 at the port. */
export async function startCoreFile(t: TestContext, port: number, text: (port: number) => string): Promise<CoreDns> {
  const file = join(temporaryFolder(t), 'Corefile')
  writeFileSync(file, text(port))
  const child = spawn('coredns', ['-conf', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      log += text
    })
  }
  endWithUs(child)
  const gone = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 3000)
    await gone
    clearTimeout(late)
  }
  atEnd(t, stop)
  const front = { address: '127.0.0.1', port, target: `127.0.0.1:${port}`, stop }
  for (const deadline = Date.now() + 5000; ; await sleep(20)) {
    assert.equal(child.exitCode, null, `coredns ended: ${log}`)
    assert.ok(Date.now() < deadline, `coredns did not answer in 5 s: ${log}`)
    if (await maybeAsk(front, 'version.bind', 'TXT', { class: 3, timeoutMs: 100 })) return front
  }
}

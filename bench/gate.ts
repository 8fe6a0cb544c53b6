import { type Case, cases, deadlines, measure, million, type Result } from './load/cases.ts'
import { type Check, check } from './load/checks.ts'
import { dnsdist } from './load/peers/dnsdist.ts'
import { dnsweir } from './load/peers/dnsweir.ts'
import { unbound } from './load/peers/unbound.ts'
import { busyShare } from './load/proc.ts'
import { pinning, type Server, startServer, startStub } from './load/start.ts'

/**
 * `npm run bench:gate`: what must hold on any one machine, in about two minutes: dnsweir beside its peers, all running at
 * once and measured in turns, so that a noisy minute is noisy for all; the median of the rounds counts. Where a check does not hold, all is
 * measured again, up to twice: a neighbour on the same machine spoils a minute, a change that makes dnsweir slower spoils all three. Exit 1 when
 * something does not hold in any of them, or dnsweir isn't built.
 */
const rounds = 3
const attempts = 3
const seconds = 1

/** Above this a reader is told not to trust latencies. */
const busyShareMax = 0.1

/** Who takes part in which case, in turns: what no check compares is not measured. */
const turns: readonly [Case, readonly string[]][] = [
  [cases.hits, ['dnsweir', 'unbound', 'dnsdist']],
  [cases.misses, ['dnsweir', 'unbound']],
  [cases.hits20k, ['dnsweir', 'unbound']],
  [cases.hits5k, ['dnsweir', 'unbound']],
]

async function main(): Promise<void> {
  if (dnsweir.find() === undefined) throw new Error('dnsweir is not built: npm run build')
  if (pinning === undefined) console.log('not pinned: one CPU, or no taskset; the numbers say little')
  for (const peer of [unbound, dnsdist]) {
    if (peer.find() === undefined) console.log(`${peer.name} is not installed: what compares with it is left out`)
  }
  const open = new Map<string, Check>()
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const checks = check(await measureAll())
    for (const one of checks) {
      if (one.holds) open.delete(one.name)
      else if (attempt === 1 || open.has(one.name)) open.set(one.name, one)
    }
    report(checks)
    if (open.size === 0) {
      console.log('all of it holds')
      return
    }
    if (attempt < attempts) console.log(`measuring again: ${[...open.keys()].join(', ')}`)
  }
  console.log(`did not hold in any of ${attempts} attempts: ${[...open.keys()].join(', ')}`)
  process.exitCode = 1
}

async function measureAll(): Promise<Result[]> {
  const busyBefore = await busyShare(1000)
  const results: Result[] = []
  const servers: Server[] = []
  const stub = await startStub()
  try {
    for (const peer of [dnsweir, unbound, dnsdist]) {
      if (peer.find() !== undefined) servers.push(await startServer(peer, stub.port))
    }
    for (let round = 1; round <= rounds; round++) {
      console.log(`round ${round} of ${rounds} …`)
      for (const [which, names] of turns) {
        for (const server of servers.filter(({ name }) => names.includes(name))) {
          results.push(await measure(server, which, seconds))
        }
      }
      results.push(await deadlines(servers[0] as Server, 2 * seconds))
    }
    results.push(await million(servers[0] as Server))
  } finally {
    await Promise.all([...servers, stub].map((server) => server.stop()))
  }
  const busy = Math.max(busyBefore, await busyShare(1000))
  if (busy > busyShareMax) {
    console.log(`other programs use ${(busy * 100).toFixed(0)} % of the CPUs: latencies say more of them than of us`)
  }
  return results
}

function report(checks: readonly Check[]): void {
  for (const { holds, sentence } of checks) console.log(`${holds ? 'ok    ' : 'FAILED'}  ${sentence}`)
}

await main().catch((error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})

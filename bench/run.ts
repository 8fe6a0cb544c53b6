import { parseArgs } from 'node:util'
import { cases, measure, million, type Result } from './load/cases.ts'
import type { Peer } from './load/peer.ts'
import { peers } from './load/peers.ts'
import { pinning, startServer, startStub } from './load/start.ts'
import { caseTable, memoryTable } from './load/table.ts'

const usage = `npm run bench -- [--only dnsweir,unbound] [--seconds N] [--million] [--json]

  --only      these servers; all that are installed by default
  --seconds   how long each case is measured, 2 by default
  --million   a million new names for every server, not for dnsweir alone
  --json      one JSON object a line in place of tables`

/** `npm run bench`: dnsweir and each peer on PATH, one after the other, in front of the same stub upstream. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seconds: { type: 'string', default: '2' },
      million: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return
  }
  const seconds = Number(values.seconds)
  if (!(seconds > 0 && seconds <= 600)) throw new Error('--seconds is a number from 0 to 600')
  const say = values.json ? () => {} : console.log
  const chosen = choose(values.only, say)
  say(pinning === undefined ? 'not pinned: one CPU, or no taskset' : 'servers on CPU 0, stub and generator on CPU 1')

  const results: Result[] = []
  const stub = await startStub()
  try {
    for (const peer of chosen) {
      say(`measuring ${peer.name} …`)
      const server = await startServer(peer, stub.port)
      try {
        for (const one of Object.values(cases)) results.push(await measure(server, one, seconds))
        if (values.million || peer.name === 'dnsweir') results.push(await million(server))
      } finally {
        await server.stop()
      }
    }
  } finally {
    await stub.stop()
  }
  if (values.json) for (const result of results) console.log(JSON.stringify(result))
  else console.log([...Object.values(cases).map((one) => caseTable(one, results)), memoryTable(results)].join('\n'))
}

function choose(only: string | undefined, say: (text: string) => void): Peer[] {
  const names = only?.split(',')
  const unknown = names?.filter((name) => !peers.some((peer) => peer.name === name)) ?? []
  if (unknown.length > 0)
    throw new Error(`no server ${unknown.join(', ')}: ${peers.map((peer) => peer.name).join(', ')}`)
  const wanted = peers.filter((peer) => names?.includes(peer.name) ?? true)
  const missing = wanted.filter((peer) => peer.find() === undefined).map((peer) => peer.name)
  if (missing.length > 0) say(`not installed: ${missing.join(', ')}`)
  return wanted.filter((peer) => peer.find() !== undefined)
}

await main().catch((error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})

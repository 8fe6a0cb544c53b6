/** Each answer that dnsweir makes up, seen through real caches in front of it: kept as meant, and never turned into something else. */
import { strict as assert } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, type Endpoint } from '../support/client.ts'
import { startCoreDns } from '../support/coredns.ts'
import { denials, filtered, type Row, rebinding, records, stripped, upstream, v4, v6 } from '../support/front-rows.ts'
import { type Message, RCODES, TYPES } from '../support/message.ts'
import { skipWithout, startDnsmasq, startUnbound } from '../support/peers.ts'
import type { Program, Settings } from '../support/program.ts'
import { startScene } from '../support/scene.ts'

interface Front {
  readonly name: string
  /** It asks with DO, so that no alias of ours reaches it, and denials only where `whenDnssec` says so. */
  readonly asksDnssec: boolean
  start(t: TestContext, program: Program): Promise<Endpoint>
}

const fronts: readonly Front[] = [
  {
    name: 'dnsmasq',
    asksDnssec: false,
    start: (t, program) => startDnsmasq(t, [`server=127.0.0.1#${program.port}`, 'cache-size=1000']),
  },
  {
    name: 'unbound',
    asksDnssec: true,
    start: (t, program) => {
      const ours = ['cluster.local.', 'invalid.', 'onion.'].map((zone) => `local-zone: "${zone}" nodefault`)
      return startUnbound(t, ours, `forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@${program.port}\n`)
    },
  },
  { name: 'coredns', asksDnssec: false, start: startCoreDns },
]

const guard = (front: Front, strip = false): Settings => {
  const whenDnssec = front.asksDnssec ? 'answer' : 'pass'
  return {
    rateLimit: { mode: 'disabled' },
    searchSuffix: { whenDnssec, action: strip ? 'strip' : 'nxdomain' },
    cut: { whenDnssec, samples: 0, sampleOneIn: 1_000_000 },
  }
}
const { NXDOMAIN } = RCODES
const base = { searchSuffixes: ['example.org'], clusterDomains: ['cluster.local'] }

for (const front of fronts) {
  const skip = skipWithout(front.name)
  const run = async (t: TestContext, rows: readonly Row[], settings: Settings): Promise<void> => {
    const { program } = await startScene(t, upstream, { ...base, ...settings })
    const peer = await front.start(t, program)
    for (const row of rows) {
      await check(program, peer, row, ['A', 'AAAA'], 'one')
      await check(program, peer, row, ['AAAA', 'A'], 'two')
    }
  }

  test(`${front.name} in front of what dnsweir denies and answers itself`, { skip }, async (t) => {
    await run(t, denials, {
      guard: { ...guard(front), localAnswers: { records } },
    })
  })

  test(`${front.name} in front of rebinding`, { skip }, async (t) => {
    await run(t, rebinding, { guard: { ...guard(front), rebinding: { mode: 'enforce' } } })
  })

  test(`${front.name} in front of aaaaFilter`, { skip }, async (t) => {
    const whenDnssec = front.asksDnssec ? 'answer' : 'pass'
    await run(t, filtered, { guard: { ...guard(front), aaaaFilter: { mode: 'enforce', whenDnssec } } })
  })

  test(`${front.name} in front of strip`, { skip }, async (t) => {
    // Never with DO: then the name is denied, as without strip.
    const rows = front.asksDnssec ? stripped.map((row) => ({ ...row, A: NXDOMAIN, AAAA: NXDOMAIN })) : stripped
    await run(t, rows, { guard: guard(front, true) })
  })

  for (const over of ['refuse', 'servfail']) {
    test(`${front.name} in front of rateLimit, ${over}: a failure, soon over`, { skip }, async (t) => {
      const limit = { rate: '1/s', burst: 2, over }
      const { program } = await startScene(t, upstream, { ...base, guard: { rateLimit: limit } })
      const peer = await front.start(t, program)
      const names = Array.from({ length: 8 }, (_, i) => `n${i}.limited.example.net`)
      let failed = 0
      for (const name of names) {
        for (const type of ['A', 'AAAA']) {
          const { rcode } = await ask(peer, name, type)
          assert.ok(rcode !== NXDOMAIN, `${name} ${type}`)
          if (rcode !== 0) failed++
        }
      }
      assert.ok(failed > 0, 'nothing was limited')
      // unbound keeps failures for 5 s, as CoreDNS does with SERVFAIL.
      const last = names.at(-1) as string
      for (const deadline = Date.now() + 8000; (await ask(peer, last)).rcode !== 0; await sleep(500)) {
        assert.ok(Date.now() < deadline, 'still a failure')
      }
      await sleep(2000)
      assert.deepEqual(answersOf(await ask(peer, last)), [`A ${v4}`])
      assert.deepEqual(answersOf(await ask(peer, last, 'AAAA')), [`AAAA ${v6}`])
    })
  }
}

/** Asks for both types twice: the second time nothing reaches dnsweir, and the replies are the same. */
async function check(
  program: Program,
  front: Endpoint,
  row: Row,
  types: readonly ('A' | 'AAAA')[],
  word: string,
): Promise<void> {
  const fill = (text: string): string => text.replaceAll('@', `${word}${row.what.length}`)
  const name = fill(row.name)
  const turns = row.unkept === 'first' ? 3 : 2
  for (let turn = 1; turn <= turns; turn++) {
    for (const type of types) {
      const before = await reached(program)
      const expected = row[type]
      const got = await ask(front, name, type)
      const what = `${row.what}: ${name} ${type}, turn ${turn}`
      // dnsmasq says NODATA where it knows of an A.
      const isHalf = row.unkept === 'ever' && type === 'AAAA'
      const found = typeof expected === 'number' ? got.rcode : answersOf(got)
      const wanted = typeof expected === 'number' ? expected : expected.map(fill)
      if (!isHalf) assert.deepEqual(found, wanted, what)
      else assert.ok(got.rcode === 0 || got.rcode === NXDOMAIN, what)
      if (typeof expected !== 'number') assert.equal(got.rcode, 0, what)
      else assert.equal(got.answers.length, 0, what)
      const mayReach = turn < turns || isHalf
      if (!mayReach) assert.equal(await reached(program), before, `${row.what}: ${name} ${type} was asked again`)
    }
  }
  for (const neighbour of row.neighbours?.map(fill) ?? []) {
    const got = await ask(front, neighbour)
    assert.ok(got.rcode === 0 && got.answers.length > 0, `${row.what}: ${neighbour} got ${got.rcode} after ${name}`)
  }
}

async function reached(program: Program): Promise<number> {
  return (await program.metrics()).sum('dnsweir_queries_total')
}

function answersOf({ answers }: Message): string[] {
  return answers.map(({ type, data }) => `${Object.keys(TYPES).find((key) => TYPES[key] === type)} ${data}`).sort()
}

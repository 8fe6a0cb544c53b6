/**
 * Nothing right dies: 20,000 names, asked of a bare dnsmasq and a bare unbound, and of dnsweir in front of each. What differs must be junk
 * by form, or a name below a missing parent that the cut may deny until one of its samples finds out.
 */
import { strict as assert } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { Bare, judge, type Verdicts } from '../support/differential.ts'
import type { ModelSettings } from '../support/differential-model.ts'
import { askAll } from '../support/flood.ts'
import { type Classified, clusterDomains, NameClasses, suffixes } from '../support/name-classes.ts'
import { type Peer, skipWithout, startDnsmasq, startUnbound } from '../support/peers.ts'
import { type Program, type Settings, startProgram, temporaryFolder } from '../support/program.ts'
import { addZoneClasses } from '../support/zone-classes.ts'
import { DnsmasqSink, ZoneSink } from '../support/zone-sinks.ts'

const seed = 20_260
/** In hundredths of a class's weight: about 10,000 names for each of the two upstreams. */
const share = 84
const unlimited = { rate: '1000000/s', burst: 10_000_000 }
const parents = ['com', 'net', 'org']

interface Setup {
  readonly name: string
  readonly settings: Settings
  readonly model: ModelSettings
  /** Classes of names in which a cut may be wrong. */
  readonly cuts: readonly string[]
}

const setups: readonly Setup[] = [
  {
    name: 'the defaults',
    settings: { searchSuffixes: suffixes, guard: { rateLimit: unlimited } },
    model: {
      clusterDomains: ['cluster.local'],
      searchSuffixes: suffixes,
      parents,
      cutElsewhere: false,
      strip: false,
      aaaaFilter: false,
    },
    cuts: ['below-missing-listed'],
  },
  {
    name: 'strip, cuts elsewhere, three cluster domains, no AAAA',
    settings: {
      searchSuffixes: suffixes,
      clusterDomains,
      guard: {
        rateLimit: unlimited,
        searchSuffix: { action: 'strip' },
        cut: { elsewhere: 'enforce' },
        aaaaFilter: { mode: 'enforce' },
      },
    },
    model: { clusterDomains, searchSuffixes: suffixes, parents, cutElsewhere: true, strip: true, aaaaFilter: true },
    cuts: ['below-missing-listed', 'below-missing-elsewhere'],
  },
]

async function compare(t: TestContext, upstream: Peer, classes: NameClasses): Promise<void> {
  const { questions } = classes
  assert.ok(classes.nameCount >= 10_000, `${classes.nameCount} names`)
  const bare = new Bare(upstream)
  await bare.learn(questions)
  for (const setup of setups) {
    const program = await startProgram(t, { upstreams: [upstream.target], ...setup.settings })
    const first = await run(program, questions, bare, setup)
    // One name in a hundred is a sample at the latest, and ends the cuts of its suffix when it exists. All below these names exist.
    for (const denied of first.cut.values()) {
      const name = denied.find(({ type }) => type === 'A')?.name
      if (name !== undefined)
        await askAll(
          program,
          Array.from({ length: 101 }, (_, i) => ({ name: `n${i}.${name}`, type: 'A' })),
        )
    }
    // Again, in part from the cache.
    const again = questions.filter(({ group }, i) => i % 5 === 0 || setup.cuts.includes(group))
    const second = await run(program, again, bare, setup)
    t.diagnostic(
      `${setup.name}: ${classes.nameCount} names, ${questions.length} questions, ${first.legal} with NOERROR upstream, ` +
        `${sum(first.cut)} of these denied by cuts until a sample told`,
    )
    assert.equal(sum(second.cut), 0, 'denied by cuts that are over')
    await program.stop()
  }
}

async function run(
  program: Program,
  questions: readonly Classified[],
  bare: Bare,
  { name, model, cuts }: Setup,
): Promise<Verdicts> {
  const verdicts = await judge(questions, await askAll(program, questions), bare, model)
  const report = [...verdicts.unexplained]
    .map(([group, lines]) => `${group}: ${lines.length} differ\n  ${lines.slice(0, 5).join('\n  ')}`)
    .join('\n')
  assert.equal(report, '', name)
  for (const group of verdicts.cut.keys()) assert.ok(cuts.includes(group), `${group} was cut with ${name}`)
  return verdicts
}

function sum(cut: Verdicts['cut']): number {
  return [...cut.values()].reduce((all, one) => all + one.length, 0)
}

test('10,000 names of dnsmasq', { skip: skipWithout('dnsmasq') }, async (t) => {
  const sink = new DnsmasqSink()
  const classes = new NameClasses(sink, seededRandom(seed))
  classes.addAll(share)
  classes.hosts(9 * share)
  await compare(t, await startDnsmasq(t, sink.lines), classes)
})

test('10,000 names of unbound', { skip: skipWithout('unbound') }, async (t) => {
  const zones = ['', ...suffixes.slice(0, 3), 'signed.example.org', ...clusterDomains, 'example.com', 'example.net']
  const sink = new ZoneSink(zones)
  const classes = new NameClasses(sink, seededRandom(seed + 1))
  classes.addAll(share)
  addZoneClasses(classes, sink, 4 * share)
  await compare(t, await startUnbound(t, [], sink.clauses(temporaryFolder(t))), classes)
})

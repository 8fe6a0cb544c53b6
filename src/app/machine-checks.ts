import { isIPv6 } from 'node:net'
import { seededRandom } from '../base/random.ts'
import { type SocketAddress, socketAddressText } from '../config/address.ts'
import { nearest } from '../config/nearest.ts'
import type { CrossCheck, Report } from '../config/parse.ts'
import type { Path } from '../config/path.ts'
import { createGuard } from '../guard/guard.ts'
import { planRules } from '../guard/plan.ts'
import { emptyPlan } from '../link/plan-data.ts'
import { looseCounters } from '../metrics/counters.ts'
import { SetupError } from '../threads/setup-error.ts'
import { hostsFromText } from '../wire/hosts-text.ts'
import { caProblem, ownProblem } from './build-certificates.ts'
import { filesOf, type LocalBuilder, unreadable } from './build-local.ts'
import { recordProblem } from './build-names.ts'
import { linkScopes, onLinkPrefixes } from './build-network.ts'
import { UpstreamList } from './build-upstreams.ts'
import type { Settings } from './settings.ts'
import type { World } from './world.ts'

/**
 * What only a plan shows, found where it stands in the configuration: all for which `build` or a worker would refuse the
 * settings on this machine.
 */
export function machineChecks(world: World, local: LocalBuilder): CrossCheck<Settings>[] {
  return [
    { about: ['listen'], check: scopesExist },
    { about: ['admin'], check: ({ admin }, report) => hasScope(admin.listen, ['admin', 'listen'], report) },
    { about: ['listen', 'upstreams', 'routes'], check: serversFit },
    { about: ['guard'], check: rulesServe },
    { about: ['forward'], check: caServes },
    { about: ['tls'], check: certificateServes },
    { about: ['guard'], check: hostsAreWhole },
  ]

  function scopesExist({ listen }: Settings, report: Report): void {
    for (const [i, one] of listen.entries()) hasScope(one, ['listen', i], report)
  }

  /** A link-local address is one of an interface (RFC 4007 section 6). Elsewhere a scope says nothing. */
  function hasScope({ address, port }: SocketAddress, path: Path, report: Report): void {
    const [bare = '', scope] = address.split('%')
    const known = linkScopes(world.interfaces())
    if (scope === undefined || !isIPv6(bare) || !/^fe[89ab]/.test(bare) || known.has(scope)) return
    const byIndex = [...known].find(([, index]) => String(index) === scope)?.[0]
    const name = byIndex ?? nearest(scope, [...known.keys()])
    const suggestion = name === undefined ? {} : { suggestion: socketAddressText({ address: `${bare}%${name}`, port }) }
    const message = `${socketAddressText({ address, port })}: no interface that is up has the name ${scope} and IPv6`
    report(path, 'unknown-interface', message, suggestion)
  }

  function serversFit({ listen, upstreams, routes }: Settings, report: Report): void {
    const all = new UpstreamList(listen, world, [], new Map())
    const named = [{ path: ['upstreams'] as Path, upstreams }].concat(
      routes.map((route, i) => ({ path: ['routes', i, 'upstreams'], upstreams: route.upstreams })),
    )
    for (const { path, upstreams } of named) {
      for (const [i, upstream] of upstreams.entries()) {
        const sentence = sentenceOf(() => all.indexes([upstream]), SetupError)
        // What follows may be too many as well, and is so for the same reason.
        if (sentence !== undefined) return report([...path, i], 'out-of-range', sentence)
      }
    }
  }

  function caServes({ forward }: Settings, report: Report): void {
    const sentence = caProblem(forward.ca, world)
    if (sentence !== undefined) report(['forward', 'ca'], 'file-unreadable', sentence)
  }

  function certificateServes({ tls }: Settings, report: Report): void {
    const problem = ownProblem(tls, world)
    if (problem !== undefined) report(['tls', problem.at], 'file-unreadable', problem.sentence)
  }

  /** Only warnings: the other lines are served. */
  function hostsAreWhole({ guard }: Settings, report: Report): void {
    for (const [i, path] of filesOf(guard).entries()) {
      const problems = hostsFromText(world.readText(path) ?? '').problems.map(
        (one) => `${path}:${one.line}: ${one.message}`,
      )
      const said = problems.slice(0, hostsLinesMax)
      if (problems.length > said.length) said.push(`${path}: and more lines like these`)
      for (const sentence of said) {
        const message = `guard.localAnswers.hosts[${i}]: ${sentence}`
        report(['guard', 'localAnswers', 'hosts', i], 'hosts-line', message, { severity: 'warning' })
      }
    }
  }

  /** Each rule is made as a shard makes it; what the others say does not matter to it. */
  function rulesServe({ guard }: Settings, report: Report): void {
    const unread = filesOf(guard).flatMap((path, i) => (world.readText(path) === undefined ? [{ path, i }] : []))
    for (const { path, i } of unread) {
      const at = ['guard', 'localAnswers', 'hosts', i]
      report(at, 'file-unreadable', `guard.localAnswers.hosts[${i}]: ${unreadable(path)}`)
    }
    const plan = { ...emptyPlan, onLink: onLinkPrefixes(world.interfaces()) }
    // Without all of its records it would miss names that may well be there.
    const isWhole = unread.length === 0 && guard.localAnswers.records.every((text) => recordProblem(text) === undefined)
    for (const rule of planRules({ ...guard })) {
      if (rule.name === 'localAnswers' && !isWhole) continue
      const make = () => {
        const known = rule.name === 'localAnswers' ? local(guard) : undefined
        createGuard({ ...plan, local: known, rules: [rule] }, dry).close()
      }
      const sentence = sentenceOf(make, Error)
      if (sentence !== undefined) report(['guard', rule.name], 'rule-refuses', sentence, { what: 'key' })
    }
  }
}

/** A file of another kind would fill the screen. */
const hostsLinesMax = 10

const dry = {
  clock: { now: () => 0 },
  random: seededRandom(1),
  counters: looseCounters(),
  shared: () => undefined,
  events: () => undefined,
  isFirstShard: false,
  hashSeed: 1,
  ask: () => false,
}

/** What `make` throws. */
function sentenceOf(make: () => unknown, kind: abstract new (...given: never[]) => Error): string | undefined {
  try {
    make()
    return undefined
  } catch (error) {
    if (error instanceof kind) return error.message
    throw error
  }
}

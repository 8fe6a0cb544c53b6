/**
 * aaaaFilter before real resolvers: each finds what it finds without it, minus IPv6, and walks its search list to the
 * same end. They run in a network and mount namespace of their own, where a dnsweir with the filter is 127.0.0.1:53 and
 * one without 127.0.0.2:53, both before one upstream.
 */
import { strict as assert } from 'node:assert'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runTool, skipWithout } from '../support/peers.ts'
import { MAIN, temporaryFolder, yaml } from '../support/program.ts'
import { hidden, type Row, searchList, table } from '../support/resolver-zone.ts'
import { agrees, type Looked, type Resolver, readLooked, resolvers, skipOf } from '../support/resolvers.ts'

const skip =
  skipWithout('unshare', 'ip') || (process.getuid?.() === 0 ? false : 'network and mount namespaces need root')

const upstream = fileURLToPath(new URL('../support/resolver-upstream.js', import.meta.url))

/** All names through the filter, without it, and without it for IPv4 alone. */
type Pass = 'filtered' | 'open' | 'openV4'
const servers = [
  { server: '127.0.0.1', passes: [['filtered', 0]] },
  {
    server: '127.0.0.2',
    passes: [
      ['open', 0],
      ['openV4', 4],
    ],
  },
] as const

const namesFor = ({ absoluteOnly }: Resolver): string[] =>
  [...table, hidden].map(({ asked }) => asked).filter((name) => !absoluteOnly || name.endsWith('.'))

const placeOf = (pass: Pass, { name }: Resolver): string => `${pass}-${name.replaceAll(/\W/g, '')}.out`

/** Runs the resolvers; what they said stands in the folder's files. */
async function look(folder: string, present: readonly Resolver[]): Promise<void> {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const resolvConf = file('resolv.conf', '')
  const nsswitch = file('nsswitch.conf', 'hosts: dns\n')
  const start = (name: string, server: string, guard: object): string => {
    const settings = {
      listen: [`${server}:53`],
      admin: { listen: `${server}:9453` },
      upstreams: ['127.0.0.1:5300'],
      searchSuffixes: [],
      guard,
    }
    const config = file(`${name}.yaml`, yaml(settings))
    return `${process.execPath} ${MAIN} serve --config ${config} > ${join(folder, `${name}.log`)} 2>&1 &`
  }
  const lookUps = servers.map(({ server, passes }) => {
    const commands = passes.flatMap(([pass, family]) =>
      present
        .filter(({ knowsFamilies }) => family === 0 || knowsFamilies)
        .map((one) => `${one.command(folder, family)} ${namesFor(one).join(' ')} > ${placeOf(pass, one)} 2>&1 &`),
    )
    // musl waits out a server that fails, so they do so side by side.
    return `
    printf 'nameserver ${server}\\nsearch ${searchList.join(' ')}\\noptions ndots:5 timeout:2 attempts:2\\n' > ${resolvConf}
    ( ${commands.join('\n    ')}
    wait )`
  })
  const script = `
    ip link set lo up
    mount --bind ${resolvConf} /etc/resolv.conf
    mount --bind ${nsswitch} /etc/nsswitch.conf
    ${process.execPath} ${upstream} > ${join(folder, 'upstream.log')} 2>&1 &
    ${start('filtered', '127.0.0.1', { aaaaFilter: { mode: 'enforce' } })}
    ${start('open', '127.0.0.2', {})}
    cd ${folder}
    until grep -q ready upstream.log && grep -q 'metrics and health' filtered.log && grep -q 'metrics and health' open.log
    do sleep 0.05; done
    ${lookUps.join('\n')}
    echo done
  `
  // With the namespace ends all that was started in it, also when this takes too long.
  const args = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', script]
  const { stdout, stderr } = await runTool('unshare', args, { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }, 60_000)
  const logs = ['upstream', 'filtered', 'open'].map((name) => readFileSync(join(folder, `${name}.log`), 'utf8'))
  assert.equal(stdout.trim(), 'done', [stderr, ...logs].join('\n'))
}

/** What stays of the row's addresses. */
const withoutV6 = ({ found }: Row): Row['found'] => {
  if (typeof found === 'string') return found
  const left = found.filter((address) => !address.includes(':'))
  return left.length > 0 ? left : 'none'
}

test('aaaaFilter: every resolver finds the same, minus IPv6', { skip }, async (t) => {
  const folder = temporaryFolder(t)
  const present = resolvers.filter((one) => skipOf(one) === false)
  await Promise.all(present.map((one) => one.build?.(folder)))
  await look(folder, present)

  for (const resolver of resolvers) {
    await t.test(resolver.name, { skip: skipOf(resolver) }, () => {
      const said = (pass: Pass): ((name: string) => Looked) => {
        const text = readFileSync(join(folder, placeOf(pass, resolver)), 'utf8')
        const looked = readLooked(text)
        return (name) => looked.get(name) ?? assert.fail(`${name} was not looked up: ${text}`)
      }
      const filtered = said('filtered')
      const open = said('open')
      for (const row of table.filter(({ asked }) => namesFor(resolver).includes(asked))) {
        const before = open(row.asked)
        const after = filtered(row.asked)
        const how = `${row.asked}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`
        assert.ok(agrees(resolver, before, row.found), how)
        assert.ok(agrees(resolver, after, withoutV6(row)), how)
        // Where all is taken out, the name is there and has no address; where nothing is, nothing changes.
        const same = row.like === undefined ? before : open(row.like)
        assert.equal(after.outcome, same.outcome, how)
        if (row.like === undefined) assert.equal(after.canonical, before.canonical, how)
        if (resolver.name === 'dig') assert.equal(after.canonical, row.ends, how)
      }
      if (!resolver.knowsFamilies) return
      // As if it had asked for IPv4 alone: so also where an IPv6 address would have ended a walk earlier.
      const openV4 = said('openV4')
      for (const name of namesFor(resolver)) assert.deepEqual(filtered(name), openV4(name), name)
      const found = filtered(hidden.asked).addresses
      assert.deepEqual(
        [open(hidden.asked).addresses, found],
        [['2001:db8::18'], resolver.endsAtNodata ? [] : ['192.0.2.19']],
      )
    })
  }
})

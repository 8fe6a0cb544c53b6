/** Clients with public addresses, in a network namespace of their own: what `slip` is for (FIELD 3.7). */
import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runTool, skipWithout } from '../support/peers.ts'
import { MAIN, temporaryFolder, yaml } from '../support/program.ts'

const skip =
  skipWithout('unshare', 'ip', 'dig', 'dnsmasq') || (process.getuid?.() === 0 ? false : 'network namespaces need root')

test('a public client over its limit slips by default, a private one does not; dig comes back over TCP', {
  skip,
}, async (t) => {
  const folder = temporaryFolder(t)
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const dnsmasq = file(
    'dnsmasq.conf',
    'port=5300\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\nuser=\naddress=/#/192.0.2.1\n',
  )
  const config = file(
    'dnsweir.yaml',
    yaml({
      listen: ['203.0.113.53:53'],
      upstreams: ['127.0.0.1:5300'],
      searchSuffixes: [],
      guard: { acl: { allow: ['private', '203.0.113.0/24'] }, rateLimit: { rate: '1/s', burst: 2 } },
    }),
  )
  const script = `
    ip link set lo up
    for address in 203.0.113.53 203.0.113.1 203.0.113.2 10.0.0.1; do ip address add $address/32 dev lo; done
    dnsmasq --conf-file=${dnsmasq} --pid-file=${join(folder, 'dnsmasq.pid')}
    ${process.execPath} ${MAIN} serve --config ${config} > ${join(folder, 'out')} 2>&1 &
    main=$!
    for i in $(seq 100); do dig +short +tries=1 +time=1 @203.0.113.53 up.test > /dev/null && break; sleep 0.1; done
    for client in 203.0.113.1 10.0.0.1; do
      for i in $(seq 12); do echo "$i.$client.flood.test"; done > ${join(folder, 'batch')}
      echo "$client" $(dig -b $client +ignore +tries=1 +time=1 @203.0.113.53 -f ${join(folder, 'batch')} \
        | awk '/->>HEADER<<-/ { status = $6 } /^;; flags:/ { print status (/ tc/ ? "tc" : "") }')
    done
    echo "tcp" $(dig -b 203.0.113.1 +tcp +short @203.0.113.53 again.flood.test)
    kill $main; wait $main; echo "exit $?"
    kill $(cat ${join(folder, 'dnsmasq.pid')})
    cat ${join(folder, 'out')} >&2
  `
  const { stdout, stderr } = await runTool('unshare', ['--net', 'sh', '-c', script], {
    PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
  })
  const lines = Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => {
        const [word = '', ...rest] = line.split(' ')
        return [word, rest]
      }),
  )
  // A token comes back each second, and a machine may be slow.
  const slipped = lines['203.0.113.1'] ?? []
  const refused = lines['10.0.0.1'] ?? []
  const count = (list: readonly string[], what: string): number => list.filter((one) => one === what).length
  assert.ok(count(slipped, 'NOERROR,tc') >= 3, `${slipped}\n${stderr}`)
  assert.ok(Math.abs(count(slipped, 'NOERROR,tc') - count(slipped, 'REFUSED,')) <= 1, `${slipped}`)
  assert.ok(count(refused, 'REFUSED,') >= 6 && count(refused, 'NOERROR,tc') === 0, `${refused}\n${stderr}`)
  assert.deepEqual([lines['tcp'], lines['exit']], [['192.0.2.1'], ['0']], stderr)
})

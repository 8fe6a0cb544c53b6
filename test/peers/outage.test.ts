/**
 * The outage's own set-up (FIELD 1), in a network namespace: a real CoreDNS as nodelocaldns, with `loop` and `forward . /etc/resolv.conf`, whose
 * resolv.conf names nodelocaldns's own address first and the gateway, a real dnsmasq, second; random policy. dnsweir stands in the circle, in two places.
 */
import { strict as assert } from 'node:assert'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runTool, skipWithout } from '../support/peers.ts'
import { MAIN, temporaryFolder, yaml } from '../support/program.ts'

const skip =
  skipWithout('coredns', 'dnsmasq', 'dig', 'unshare', 'ip') ||
  (process.getuid?.() === 0 ? false : 'network namespaces need root')

/** Without help one start in four dies of it: two random choices in a row lead back. */
const starts = 12
const lookUpsPerStart = 5

interface Places {
  /** Where dnsweir listens, and where nodelocaldns does. */
  readonly weir: string
  readonly nodelocaldns: string
  readonly upstreams: readonly string[]
  /** What nodelocaldns forwards to. */
  readonly forward: string
}

async function play(t: TestContext, { weir, nodelocaldns, upstreams, forward }: Places) {
  const folder = temporaryFolder(t)
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const resolvConf = file('resolv.conf', 'nameserver 169.254.25.10\nnameserver 192.168.110.10\n')
  const corefile = file('Corefile', `.:53 {\n  bind ${nodelocaldns}\n  errors\n  loop\n  forward . ${forward}\n}\n`)
  const dnsmasq = file(
    'dnsmasq.conf',
    [
      ...['listen-address=192.168.110.10', 'bind-interfaces', 'no-resolv', 'no-hosts', 'user='],
      ...['address=/example.org/192.0.2.7', 'address=/#/'],
    ].join('\n'),
  )
  const settings = { listen: [`${weir}:53`], upstreams, searchSuffixes: [], forward: { policy: 'random' } }
  const config = file('dnsweir.yaml', yaml(settings))
  const at = (name: string): string => join(folder, name)
  const script = `
    ip link set lo up
    for a in 169.254.25.9 169.254.25.10 169.254.25.11 192.168.110.10; do ip addr add $a/32 dev lo; done
    mount --bind ${resolvConf} /etc/resolv.conf
    dnsmasq --conf-file=${dnsmasq} --pid-file=${at('dnsmasq.pid')}
    ${process.execPath} ${MAIN} serve --config ${config} > ${at('out')} 2>&1 &
    weir=$!
    for i in $(seq 100); do grep -q 'health are on' ${at('out')} && break; sleep 0.05; done
    died=0; found=0
    for start in $(seq ${starts}); do
      coredns -conf ${corefile} > ${at('coredns.log')} 2>&1 &
      core=$!
      for i in $(seq 100); do grep -q 'linux/' ${at('coredns.log')} && break; sleep 0.02; done
      sleep 0.4
      for i in $(seq ${lookUpsPerStart}); do
        got=$(dig +short +tries=1 +time=4 @169.254.25.10 n$start-$i.example.org)
        [ "$got" = 192.0.2.7 ] && found=$((found + 1))
      done
      kill -0 $core 2> /dev/null || died=$((died + 1))
      [ $start = ${starts} ] && sleep 3
      kill $core 2> /dev/null; wait $core 2> /dev/null
    done
    kill $weir; wait $weir; echo "exit $?"
    kill $(cat ${at('dnsmasq.pid')})
    echo "died $died"
    echo "found $found"
  `
  const path = `${process.env['PATH']}:/usr/sbin:/sbin`
  const ran = await runTool('unshare', ['--mount', '--net', 'sh', '-c', script], { PATH: path }, 60_000)
  const log = readFileSync(at('out'), 'utf8')
  return { lines: ran.stdout.trim().split('\n'), log, said: log.split('\n').filter((line) => line.includes('loop: ')) }
}

const good = ['exit 0', 'died 0', `found ${starts * lookUpsPerStart}`]

test('nodelocaldns forwards to dnsweir, which has its servers of the same resolv.conf', { skip }, async (t) => {
  const { lines, said, log } = await play(t, {
    weir: '169.254.25.11',
    nodelocaldns: '169.254.25.10',
    upstreams: ['/etc/resolv.conf'],
    forward: '169.254.25.11',
  })
  assert.deepEqual(lines, good, log)
  assert.equal(said.length, 1, log)
  assert.match(said[0] as string, /loop: questions for zone \. sent to 169\.254\.25\.10:53 come back to dnsweir at/)
})

test('dnsweir has the address that the resolv.conf of nodelocaldns behind it names first', { skip }, async (t) => {
  const { lines, said, log } = await play(t, {
    weir: '169.254.25.10',
    nodelocaldns: '169.254.25.9',
    upstreams: ['169.254.25.9', '192.168.110.10'],
    forward: '/etc/resolv.conf',
  })
  assert.deepEqual(lines, good, log)
  assert.equal(said.length, 1, log)
  assert.match(said[0] as string, /loop: questions for zone \. sent to 169\.254\.25\.9:53 come back to dnsweir at/)
})

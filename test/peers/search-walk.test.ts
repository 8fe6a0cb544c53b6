/** The search walk of a pod, as glibc makes it: what reaches the resolver behind when 200 external names are looked up. */
import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runTool, skipWithout } from '../support/peers.ts'
import { MAIN, temporaryFolder, yaml } from '../support/program.ts'

const skip =
  skipWithout('unshare', 'ip', 'python3', 'dnsmasq') ||
  (process.getuid?.() === 0 ? false : 'network and mount namespaces need root')

const tops = ['com', 'net', 'org', 'io', 'dev', 'info', 'biz', 'app']
const names = Array.from({ length: 200 }, (_, i) => `www.site${i}.${tops[i % tops.length]}`)

const resolvConf = `nameserver 127.0.0.1
search kubecamp.svc.cluster.local svc.cluster.local cluster.local default.svc.cluster.local example.org
options ndots:5 timeout:2 attempts:1
`

/** Looks all names up, 16 at a time, and prints how many were found and how long it took. */
const lookUp = `
import socket, sys, time
from concurrent.futures import ThreadPoolExecutor
def find(name):
    try:
        return len({one[4][0] for one in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)})
    except socket.gaierror:
        return 0
start = time.time()
with ThreadPoolExecutor(16) as pool:
    found = list(pool.map(find, open(sys.argv[1]).read().split()))
print(sum(1 for one in found if one == 2), round(time.time() - start, 1))
`

interface Walk {
  /** Names for which both addresses were found. */
  readonly found: number
  readonly seconds: number
  /** Questions that reached the resolver behind, dnsweir's own probes for loops and wildcards left out. */
  readonly questions: number
}

async function walk(folder: string, guard: object): Promise<Walk> {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const conf = file('resolv.conf', resolvConf)
  const nsswitch = file('nsswitch.conf', 'hosts: dns\n')
  const list = file('names', names.join('\n'))
  const script = file('find.py', lookUp)
  const log = join(folder, 'dnsmasq.log')
  const dnsmasq = file(
    'dnsmasq.conf',
    [
      ...['port=5300', 'listen-address=127.0.0.1', 'bind-interfaces', 'no-resolv', 'no-hosts', 'user=', 'log-queries'],
      `log-facility=${log}`,
      // As the gateway of the outage: it denies what it does not have, without an SOA.
      ...['local=/example.org/', 'local=/cluster.local/', 'address=/#/'],
      ...names.map((name) => `host-record=${name},192.0.2.1,2001:db8::1`),
    ].join('\n'),
  )
  const settings = {
    listen: ['127.0.0.1:53'],
    upstreams: ['127.0.0.1:5300'],
    searchSuffixes: ['example.org'],
    cache: { minTtl: '5s' },
    guard,
  }
  const config = file('dnsweir.yaml', yaml(settings))
  const commands = `
    ip link set lo up
    mount --bind ${conf} /etc/resolv.conf
    mount --bind ${nsswitch} /etc/nsswitch.conf
    dnsmasq --conf-file=${dnsmasq} --pid-file=${join(folder, 'dnsmasq.pid')}
    ${process.execPath} ${MAIN} serve --config ${config} > ${join(folder, 'out')} 2>&1 &
    main=$!
    for i in $(seq 100); do getent ahosts ${names[0]}. > /dev/null && break; sleep 0.1; done
    until grep -q 'metrics and health' ${join(folder, 'out')}; do sleep 0.05; done
    sleep 0.5
    : > ${log}
    python3 ${script} ${list}
    kill $main; wait $main
    kill $(cat ${join(folder, 'dnsmasq.pid')})
    grep 'query\\[' ${log} | grep -vE 'query\\[HINFO\\]|query\\[A\\] [0-9a-f]{16}\\.example\\.org' | wc -l
    cat ${join(folder, 'out')} >&2
  `
  const { stdout, stderr } = await runTool('unshare', ['--mount', '--net', 'sh', '-c', commands], {
    PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
  })
  const found = /^(\d+) ([\d.]+)\n(\d+)$/m.exec(stdout.trim())
  assert.ok(found, `${stdout}\n${stderr}`)
  return { found: Number(found[1]), seconds: Number(found[2]), questions: Number(found[3]) }
}

test('200 external names, five search domains: two questions a name, and four for each top-level domain', {
  skip,
}, async (t) => {
  const got = await walk(temporaryFolder(t), { cut: { parents: tops } })
  assert.equal(got.found, names.length)
  assert.ok(got.seconds < 5, `within one lifetime of a denial in a cluster zone, and not ${got.seconds} s`)
  assert.ok(got.questions <= 2 * names.length + 4 * tops.length, `${got.questions} questions reached dnsmasq`)
  t.diagnostic(`${got.questions} questions for ${names.length} names in ${got.seconds} s`)
})

test('the same without the rules: six questions for each name and type', { skip }, async (t) => {
  const got = await walk(temporaryFolder(t), { mode: 'observe', rateLimit: { mode: 'disabled' } })
  assert.equal(got.found, names.length)
  assert.ok(got.questions > 10 * names.length, `${got.questions} questions reached dnsmasq`)
  t.diagnostic(`${got.questions} questions for ${names.length} names`)
})

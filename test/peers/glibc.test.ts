/** The C library's own resolver with a pod's resolv.conf, in a network and mount namespace of its own. */
import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runTool, skipWithout } from '../support/peers.ts'
import { MAIN, temporaryFolder, yaml } from '../support/program.ts'

const skip =
  skipWithout('unshare', 'ip', 'getent', 'dnsmasq') ||
  (process.getuid?.() === 0 ? false : 'network and mount namespaces need root')

test('getent walks a search list through dnsweir, and no junk reaches dnsmasq', { skip }, async (t) => {
  const folder = temporaryFolder(t)
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const resolvConf = file(
    'resolv.conf',
    'search default.svc.cluster.local svc.cluster.local cluster.local example.org\nnameserver 127.0.0.1\noptions ndots:5 timeout:2 attempts:1\n',
  )
  const nsswitch = file('nsswitch.conf', 'hosts: dns\n')
  const dnsmasq = file(
    'dnsmasq.conf',
    [
      'port=5300',
      'listen-address=127.0.0.1',
      'bind-interfaces',
      'no-resolv',
      'no-hosts',
      'user=',
      'log-queries',
      `log-facility=${join(folder, 'dnsmasq.log')}`,
      'host-record=real.example.org,192.0.2.20',
      'host-record=web.default.svc.cluster.local,192.0.2.21,2001:db8::21',
      'host-record=www.example.com,192.0.2.22,2001:db8::22',
      'address=/#/',
    ].join('\n'),
  )
  const config = file(
    'dnsweir.yaml',
    yaml({ listen: ['127.0.0.1:53'], upstreams: ['127.0.0.1:5300'], searchSuffixes: ['example.org'] }),
  )
  const script = `
    ip link set lo up
    mount --bind ${resolvConf} /etc/resolv.conf
    mount --bind ${nsswitch} /etc/nsswitch.conf
    dnsmasq --conf-file=${dnsmasq} --pid-file=${join(folder, 'dnsmasq.pid')}
    ${process.execPath} ${MAIN} serve --config ${config} > ${join(folder, 'out')} 2>&1 &
    main=$!
    for i in $(seq 100); do getent ahosts real.example.org > /dev/null && break; sleep 0.1; done
    for name in real web.default web.default.svc.cluster.local www.example.com nothing.at.all; do
      echo "$name:" $(getent ahosts $name | awk '$2 == "STREAM" { print $1 }' | sort)
    done
    kill $main; wait $main; echo "exit $?"
    kill $(cat ${join(folder, 'dnsmasq.pid')})
    echo "junk at dnsmasq: $(grep 'query\\[' ${join(folder, 'dnsmasq.log')} | grep -c 'cluster.local.example.org')"
    cat ${join(folder, 'out')} >&2
  `
  const { stdout, stderr } = await runTool('unshare', ['--mount', '--net', 'sh', '-c', script], {
    PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
  })
  assert.deepEqual(
    stdout.trim().split('\n'),
    [
      'real: 192.0.2.20',
      'web.default: 192.0.2.21 2001:db8::21',
      'web.default.svc.cluster.local: 192.0.2.21 2001:db8::21',
      'www.example.com: 192.0.2.22 2001:db8::22',
      'nothing.at.all:',
      'exit 0',
      'junk at dnsmasq: 0',
    ],
    stderr,
  )
})

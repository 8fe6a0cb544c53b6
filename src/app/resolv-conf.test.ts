import assert from 'node:assert/strict'
import type { NetworkInterfaceInfo } from 'node:os'
import { test } from 'node:test'
import { socketAddressText } from '../config/address.ts'
import { parseResolvConf, type ResolvConf, type ResolvConfWorld, readResolvConf } from './resolv-conf.ts'

const texts = ({ nameservers }: ResolvConf): string[] =>
  nameservers.map((one) => (one.port === 53 ? one.address : socketAddressText(one)))

test('resolv.conf is read as glibc reads it', () => {
  const table = [
    ['', [], [], 1],
    ['nameserver 1.1.1.1\nnameserver 2.2.2.2\n', ['1.1.1.1', '2.2.2.2'], [], 1],
    ['nameserver\t1.1.1.1 # first\r\nnameserver 1.1.1.1\r\n', ['1.1.1.1'], [], 1],
    ['nameserver fe80::1%eth0\nnameserver ::1\n', ['fe80::1%eth0', '::1'], [], 1],
    ['nameserver ::ffff:10.0.0.1\nnameserver 10.0.0.1\nnameserver 0:0::1\n', ['10.0.0.1', '::1'], [], 1],
    ['nameserver 0.0.0.0\nnameserver ::\n', ['127.0.0.1', '::1'], [], 1],
    ['# nameserver 1.1.1.1\n; nameserver 2.2.2.2\n nameserver 3.3.3.3\n', [], [], 1],
    ['nameserver dns.google\nnameserver\nnameserver 1.2.3\nnameservers 1.1.1.1\nnonsense\u0000\n', [], [], 1],
    ['search a.example\nsearch B.example. c ;x\n', [], ['b.example', 'c'], 1],
    ['search a.example b\ndomain c.example d\n', [], ['c.example'], 1],
    ['domain c.example\nsearch a\n', [], ['a'], 1],
    ['search a.example\nsearch .\n', [], [], 1],
    ['search a..b ok.example a_b.example\n', [], ['ok.example', 'a_b.example'], 1],
    ['options edns0 ndots:5 trust-ad\noptions rotate\n', [], [], 5],
    ['options ndots:2\noptions ndots:99\n', [], [], 15],
    ['options ndots:x ndots:\n', [], [], 1],
  ] as const
  for (const [text, nameservers, search, ndots] of table) {
    const read = parseResolvConf(text)
    assert.deepEqual([texts(read), read.search, read.ndots], [nameservers, search, ndots], JSON.stringify(text))
  }
})

test('ports as OpenBSD and macOS write them, and TCP as glibc has it', () => {
  const table = [
    ['nameserver [10.0.0.1]:5353\nnameserver [fe80::1%eth0]:54\n', ['10.0.0.1:5353', '[fe80::1%eth0]:54'], 'udp'],
    ['nameserver 10.0.0.1\nport 5353\nnameserver [10.0.0.2]:53\n', ['10.0.0.1:5353', '10.0.0.2'], 'udp'],
    ['nameserver [10.0.0.1]:0\nnameserver [10.0.0.1]:65536\nnameserver [x]:53\nport 0\nport x\n', [], 'udp'],
    ['nameserver 10.0.0.1\noptions timeout:1 use-vc\n', ['10.0.0.1'], 'tcp'],
  ] as const
  for (const [text, nameservers, transport] of table) {
    const read = parseResolvConf(text)
    assert.deepEqual([texts(read), read.transport], [nameservers, transport], text)
  }
})

function world(files: Record<string, string>, more: Partial<ResolvConfWorld> = {}): ResolvConfWorld {
  return { readText: (path) => files[path], own: [], interfaces: {}, known: new Map(), ...more }
}

const etc = '/etc/resolv.conf'
const resolved = '/run/systemd/resolve/resolv.conf'

test('the stubs of systemd-resolved are read through', () => {
  for (const stub of ['127.0.0.53', '127.0.0.54', '::ffff:127.0.0.53']) {
    const files = {
      [etc]: `nameserver ${stub}\nnameserver 9.9.9.9\nsearch x.example\noptions ndots:3\n`,
      [resolved]: 'nameserver 192.168.1.1\nnameserver 9.9.9.9\nnameserver 127.0.0.53\nsearch other.example\n',
    }
    const read = readResolvConf(etc, world(files))
    assert.deepEqual([texts(read), read.search, read.ndots], [['192.168.1.1', '9.9.9.9'], ['x.example'], 3])
    assert.deepEqual([read.files, read.fault], [[etc, resolved], undefined])
  }
})

test('with nothing behind it, the stub stays, and what may come is watched', () => {
  const stub = { [etc]: 'nameserver 127.0.0.53\n' }
  const alone = readResolvConf(etc, world(stub))
  assert.deepEqual([texts(alone), alone.files], [['127.0.0.53'], [etc, resolved]])
  assert.deepEqual(texts(readResolvConf(etc, world({ ...stub, [resolved]: '# none\n' }))), ['127.0.0.53'])
  assert.deepEqual(texts(readResolvConf(resolved, world({ [resolved]: 'nameserver 127.0.0.53\n' }))), ['127.0.0.53'])
})

test('a file that names nobody says why, and what it said before stays', () => {
  const own = [{ address: '10.0.0.53', port: 53 }]
  const good = readResolvConf(etc, world({ [etc]: 'nameserver 10.0.0.1\nnameserver 10.0.0.53\nsearch lan\n' }, { own }))
  assert.deepEqual([texts(good), good.fault], [['10.0.0.1'], undefined])
  const known = new Map([[etc, good]])
  const table = [
    [{}, /^can't be read$/],
    [{ [etc]: '' }, /^is empty$/],
    [{ [etc]: ' \n\n' }, /^is empty$/],
    [{ [etc]: '<html>\u0000' }, /^names no server$/],
    [{ [etc]: 'nameserver 10.0.0\nsearch other\n' }, /^names no server$/],
    [{ [etc]: 'nameserver 10.0.0.53\n' }, /^names nobody but ourselves \(10\.0\.0\.53\)$/],
  ] as const
  for (const [files, fault] of table) {
    const kept = readResolvConf(etc, world(files, { own, known }))
    assert.match(kept.fault ?? '', fault)
    assert.deepEqual([texts(kept), kept.search], [['10.0.0.1'], ['lan']])
    const first = readResolvConf(etc, world(files, { own }))
    assert.deepEqual([texts(first), first.fault], [[], kept.fault])
  }
  const nowOurs = readResolvConf(etc, world({}, { own: [{ address: '10.0.0.1', port: 53 }], known }))
  assert.deepEqual(texts(nowOurs), [], 'what was good before may be us by now')
})

function six(address: string, scopeid: number): NetworkInterfaceInfo {
  return { address, netmask: '', family: 'IPv6', mac: '', internal: false, cidr: null, scopeid }
}

const four = (address: string): NetworkInterfaceInfo => ({
  ...{ address, netmask: '', family: 'IPv4', mac: '', internal: false, cidr: null },
})

const interfaces = {
  lo: [four('127.0.0.1'), six('::1', 0)],
  eth0: [four('192.168.110.10'), six('fd00::1', 0), six('fe80::1', 2)],
  eth1: [six('fe80::2', 3)],
}

test('our own address is taken out, however it is written, and only that', () => {
  const all = [
    ...['169.254.25.10', '192.168.110.10', '127.0.0.7', '::1', 'fd00::1', 'fe80::1%eth0', 'fe80::1%eth1'],
    ...['fe80::2%3', '10.0.0.9:1053'],
  ]
  const text = [
    ...['nameserver ::ffff:169.254.25.10', 'nameserver 192.168.110.10', 'nameserver 127.0.0.7', 'nameserver ::1'],
    ...['nameserver fd00:0::1', 'nameserver fe80::1%eth0', 'nameserver fe80::1%eth1', 'nameserver fe80:0::2%3'],
    'nameserver [10.0.0.9]:1053',
  ].join('\n')
  const table = [
    [['169.254.25.10', 53], ['169.254.25.10']],
    [['::ffff:169.254.25.10', 53], ['169.254.25.10']],
    [['169.254.25.10', 1053], []],
    [['10.0.0.9', 53], []],
    [['10.0.0.9', 1053], ['10.0.0.9:1053']],
    [
      ['0.0.0.0', 53],
      ['192.168.110.10', '127.0.0.7'],
    ],
    [['0.0.0.0', 1053], []],
    [
      ['::', 53],
      ['::1', 'fd00::1', 'fe80::1%eth0', 'fe80::2%3'],
    ],
    [['fd00:0:0::1', 53], ['fd00::1']],
    [['fe80::1%eth0', 53], ['fe80::1%eth0']],
    [['fe80::1%2', 53], ['fe80::1%eth0']],
    [['fe80::2%eth1', 53], ['fe80::2%3']],
  ] as const
  for (const [[address, port], removed] of table) {
    const read = readResolvConf(etc, world({ [etc]: text }, { own: [{ address, port }], interfaces }))
    const left = all.filter((one) => !(removed as readonly string[]).includes(one))
    assert.deepEqual(texts(read), left, `${address} ${port}`)
  }
})

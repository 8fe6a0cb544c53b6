import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseResolvConf, type ResolvConfWorld, readResolvConf } from './resolv-conf.ts'

test('resolv.conf is read as glibc reads it', () => {
  const table = [
    ['', [], [], 1],
    ['nameserver 1.1.1.1\nnameserver 2.2.2.2\n', ['1.1.1.1', '2.2.2.2'], [], 1],
    ['nameserver\t1.1.1.1 # first\r\nnameserver 1.1.1.1\r\n', ['1.1.1.1'], [], 1],
    ['nameserver fe80::1%eth0\nnameserver ::1\n', ['fe80::1%eth0', '::1'], [], 1],
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
    assert.deepEqual(parseResolvConf(text), { nameservers, search, ndots }, JSON.stringify(text))
  }
})

function world(files: Record<string, string>, more: Partial<ResolvConfWorld> = {}): ResolvConfWorld {
  return { readText: (path) => files[path], own: [], localAddresses: [], ...more }
}

const etc = '/etc/resolv.conf'
const resolved = '/run/systemd/resolve/resolv.conf'

test('the stub of systemd-resolved is read through', () => {
  const files = {
    [etc]: 'nameserver 127.0.0.53\nnameserver 9.9.9.9\nsearch x.example\noptions ndots:3\n',
    [resolved]: 'nameserver 192.168.1.1\nnameserver 9.9.9.9\nsearch other.example\n',
  }
  assert.deepEqual(readResolvConf(etc, world(files)), {
    nameservers: ['192.168.1.1', '9.9.9.9'],
    search: ['x.example'],
    ndots: 3,
    removed: [],
    files: [etc, resolved],
  })
})

test('with nothing behind it, the stub stays', () => {
  const stub = { [etc]: 'nameserver 127.0.0.53\n' }
  assert.deepEqual(readResolvConf(etc, world(stub)).nameservers, ['127.0.0.53'])
  assert.deepEqual(readResolvConf(etc, world({ ...stub, [resolved]: '# none\n' })).nameservers, ['127.0.0.53'])
  assert.deepEqual(readResolvConf(resolved, world({ [resolved]: 'nameserver 127.0.0.53\n' })).nameservers, [
    '127.0.0.53',
  ])
})

test('a file that cannot be read names nobody', () => {
  const nothing = { nameservers: [], search: [], ndots: 1, removed: [], files: [] }
  assert.deepEqual(readResolvConf(etc, world({})), nothing)
})

test('our own address is taken out, and only that', () => {
  const text = 'nameserver 169.254.25.10\nnameserver 192.168.110.10\nnameserver 127.0.0.7\nnameserver fd00:0::1\n'
  const left = (own: ResolvConfWorld['own'], localAddresses: readonly string[] = []) =>
    readResolvConf(etc, world({ [etc]: text }, { own, localAddresses }))
  const all = ['169.254.25.10', '192.168.110.10', '127.0.0.7', 'fd00::1']
  const table = [
    [[{ address: '169.254.25.10', port: 53 }], [], ['169.254.25.10']],
    [[{ address: '169.254.25.10', port: 1053 }], [], []],
    [[{ address: '0.0.0.0', port: 53 }], ['192.168.110.10', 'fd00::1'], ['192.168.110.10', '127.0.0.7']],
    [[{ address: '0.0.0.0', port: 1053 }], ['192.168.110.10'], []],
    [[{ address: '::', port: 53 }], ['192.168.110.10', 'fd00::1'], ['fd00::1']],
    [[{ address: 'fd00::1', port: 53 }], [], ['fd00::1']],
  ] as const
  for (const [own, local, removed] of table) {
    const read = left(own, local)
    assert.deepEqual(read.removed, removed)
    assert.deepEqual(
      read.nameservers,
      all.filter((one) => !(removed as readonly string[]).includes(one)),
    )
  }
})

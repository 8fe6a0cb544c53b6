/** Clients over TLS (RFC 7858): handshake, pipelining, padding, certificates that change, and those who only pretend. */
import { strict as assert } from 'node:assert'
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { ask, framed, maybeAsk } from '../support/client.ts'
import { type Message, parse, query } from '../support/message.ts'
import { runTool, skipWithout } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { MAIN, type Program, startProgram } from '../support/program.ts'
import { type Authority, makeAuthority } from '../support/tls.ts'

const skip = skipWithout('openssl')
const names = 'DNS:weir.test,IP:127.0.0.1'
const guard = { localAnswers: { records: ['box.test. 60 A 192.0.2.7', 'big.test. 60 TXT "x"'] } }

interface Scene {
  readonly program: Program
  readonly port: number
  readonly authority: Authority
  /** Puts another certificate in place, as a Secret that is updated does. */
  replace(cert: string, key: string): void
}

async function scene(t: TestContext): Promise<Scene> {
  const authority = makeAuthority(t)
  const { certFile, keyFile } = authority.issue(names)
  const [plain, port] = [await freePort(), await freePort()]
  let folder = ''
  const program = await startProgram(
    t,
    {
      listen: [`127.0.0.1:${plain}`, `tls://127.0.0.1:${port}`],
      upstreams: ['127.0.0.9'],
      guard,
      tls: { certificate: 'CERT', key: 'KEY' },
    },
    {
      port: plain,
      place(at, text) {
        folder = at
        copyFileSync(certFile, join(at, 'tls.crt'))
        copyFileSync(keyFile, join(at, 'tls.key'))
        const file = join(at, 'dnsweir.yaml')
        writeFileSync(file, text.replace('CERT', join(at, 'tls.crt')).replace('KEY', join(at, 'tls.key')))
        return file
      },
    },
  )
  return {
    program,
    port,
    authority,
    replace(cert, key) {
      for (const [from, name] of [
        [cert, 'tls.crt'],
        [key, 'tls.key'],
      ] as const) {
        copyFileSync(from, join(folder, `${name}.next`))
        renameSync(join(folder, `${name}.next`), join(folder, name))
      }
    },
  }
}

/** A client of ours: messages in and out, with their octets. */
class Client {
  readonly got: Buffer[] = []
  readonly socket: TLSSocket
  closed = false
  private unread = Buffer.alloc(0)

  constructor(port: number, options: ConnectionOptions = {}) {
    this.socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['dot'], ...options })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.closed = true
    })
    this.socket.on('data', (chunk) => {
      this.unread = Buffer.concat([this.unread, chunk])
      while (this.unread.length >= 2 && this.unread.length >= 2 + this.unread.readUInt16BE(0)) {
        const end = 2 + this.unread.readUInt16BE(0)
        this.got.push(Buffer.from(this.unread.subarray(2, end)))
        this.unread = this.unread.subarray(end)
      }
    })
  }

  async until(count: number, ms = 3000): Promise<Message[]> {
    const deadline = Date.now() + ms
    while (this.got.length < count && Date.now() < deadline) await sleep(5)
    return this.got.map(parse)
  }
}

test('queries over TLS: pipelined, padded where the client sent OPT, never in UDP on that port', {
  skip,
}, async (t) => {
  const { program, port, authority } = await scene(t)
  await program.says(/listens on 127\.0\.0\.1:\d+ \(UDP and TCP\) and tls:\/\/127\.0\.0\.1:\d+/)
  const client = new Client(port, {
    rejectUnauthorized: true,
    servername: 'weir.test',
    ca: [readFileSync(authority.certFile)],
  })
  t.after(() => client.socket.destroy())
  for (let id = 0; id < 40; id++) {
    client.socket.write(framed(query('box.test', 'A', { id, ...(id % 2 === 0 && { edns: { size: 1232 } }) })))
  }
  const got = await client.until(40)
  assert.deepEqual(new Set(got.map(({ id }) => id)).size, 40)
  for (const [i, one] of got.entries()) {
    assert.equal(one.answers[0]?.data, '192.0.2.7')
    const { length } = client.got[i] as Buffer
    if (one.id % 2 === 0) assert.equal(length % 468, 0, `${length} octets (RFC 8467)`)
    else assert.ok(length < 60, `${length} octets without OPT`)
  }
  assert.equal(client.socket.alpnProtocol, 'dot')
  assert.equal(await maybeAsk({ address: '127.0.0.1', port }, 'box.test', 'A', { timeoutMs: 200 }), undefined)
})

test('kdig over TLS finds the same', { skip: skipWithout('openssl', 'kdig') }, async (t) => {
  const { port, authority } = await scene(t)
  const { stdout } = await runTool('kdig', [
    '@127.0.0.1',
    '-p',
    String(port),
    '+tls',
    `+tls-ca=${authority.certFile}`,
    '+tls-hostname=weir.test',
    'box.test',
    'A',
  ])
  assert.match(stdout, /;; TLS session \(TLS1\.3\)/)
  assert.match(stdout, /box\.test\.\s+60\s+IN\s+A\s+192\.0\.2\.7/)
})

test('a session is resumed, and a client that half-closes gets its replies', { skip }, async (t) => {
  const { port } = await scene(t)
  const first = new Client(port)
  const ticket = new Promise<Buffer>((resolve) => first.socket.once('session', resolve))
  first.socket.end(framed(query('box.test')))
  assert.equal((await first.until(1))[0]?.answers[0]?.data, '192.0.2.7')
  const second = new Client(port, { session: await ticket })
  t.after(() => second.socket.destroy())
  second.socket.write(framed(query('box.test')))
  assert.equal((await second.until(1))[0]?.rcode, 0)
  assert.equal(second.socket.isSessionReused(), true)
})

test('who speaks no TLS, or nothing at all, is let go of; nobody else notices', { skip }, async (t) => {
  const { program, port } = await scene(t)
  const plain = connectPlain(port, '127.0.0.1')
  plain.on('error', () => {})
  const answered: Buffer[] = []
  plain.on('data', (chunk) => answered.push(chunk))
  plain.write(framed(query('box.test')))
  const silent = Array.from({ length: 100 }, () => connectPlain(port, '127.0.0.1').on('error', () => {}))
  const ended = silent.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
  const start = Date.now()
  for (let i = 0; i < 20; i++) assert.equal((await ask(program, 'box.test')).rcode, 0)
  const client = new Client(port)
  t.after(() => client.socket.destroy())
  client.socket.write(framed(query('box.test')))
  assert.equal((await client.until(1)).length, 1)
  await Promise.all(ended)
  assert.ok(Date.now() - start < 8000, 'within the 5 s of a handshake and a sweep')
  assert.equal(Buffer.concat(answered).includes('box'), false)
})

test('another certificate is taken when its files change, a pair that does not fit is not; who is there stays', {
  skip,
}, async (t) => {
  const { program, port, authority, replace } = await scene(t)
  const before = new Client(port)
  t.after(() => before.socket.destroy())
  before.socket.write(framed(query('box.test')))
  await before.until(1)
  const serialOf = async (): Promise<string> => {
    const client = new Client(port)
    await new Promise((resolve) => client.socket.once('secureConnect', resolve))
    const { serialNumber } = client.socket.getPeerCertificate()
    client.socket.destroy()
    return serialNumber
  }
  const old = await serialOf()
  const [one, other] = [authority.issue(names), authority.issue(names)]
  replace(one.certFile, other.keyFile)
  await program.says(/is not the key of the certificate in/, 10_000)
  assert.equal(await serialOf(), old)
  replace(one.certFile, one.keyFile)
  const deadline = Date.now() + 8000
  while ((await serialOf()) === old) {
    assert.ok(Date.now() < deadline, 'the new certificate is taken')
    await sleep(100)
  }
  before.socket.write(framed(query('box.test')))
  assert.equal((await before.until(2)).length, 2)
})

test('what can be wrong with it is said where it stands', { skip }, async (t) => {
  const authority = makeAuthority(t)
  const [one, other] = [authority.issue(names), authority.issue(names)]
  const folder = dirname(one.certFile)
  const file = join(folder, 'bad.yaml')
  const table: [string, RegExp][] = [
    [
      'listen: [tls://127.0.0.1:853]\n',
      /bad\.yaml:1:10: .*listen\[0\] is tls:\/\/127\.0\.0\.1:853, which needs tls\.certificate and tls\.key/,
    ],
    [`tls: { certificate: ${one.certFile} }\n`, /tls\.key is missing: a certificate and its key go together/],
    [`tls: { certificate: ${one.certFile}, key: ${other.keyFile} }\n`, /is not the key of the certificate in/],
    [`tls: { certificate: ${one.keyFile}, key: ${one.keyFile} }\n`, /has no certificate in it/],
    [`tls: { certificate: ${one.certFile}, key: ${one.certFile} }\n`, /has no private key in it/],
    [`tls: { certificate: /nowhere.pem, key: ${one.keyFile} }\n`, /\/nowhere\.pem can't be read/],
    ['listen: [tls://host:853]\n', /host. is not an IP address/],
  ]
  for (const [text, expected] of table) {
    writeFileSync(file, text)
    const { code, stderr } = await runTool('node', [MAIN, 'check', '--config', file])
    assert.match(stderr, expected)
    assert.equal(code, 2)
  }
})

/** Certificates made by openssl, and a scripted upstream that speaks DNS over TLS. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createServer, type TLSSocket } from 'node:tls'
import { framed } from './client.ts'
import { type Message, parse } from './message.ts'
import { freePort } from './ports.ts'

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

/** An authority of a test's own. */
export interface Authority extends Certificate {
  /** A certificate for `names` (`DNS:dns.test`, `IP:127.0.0.1`), by default valid for a day. */
  issue(names: string, validity?: readonly string[]): Certificate
}

export function makeAuthority(t: TestContext, name = 'test authority'): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'dnsweir-ca-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let count = 0
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = (file: string): string[] => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    file,
  ]
  const [certFile, keyFile] = [join(folder, 'ca.pem'), join(folder, 'ca.key')]
  openssl('req', '-x509', ...key(keyFile), '-out', certFile, '-days', '2', '-subj', `/CN=${name}`)
  return {
    certFile,
    keyFile,
    issue(names, validity = ['-days', '1']) {
      const base = join(folder, `server${++count}`)
      const [own, request] = [`${base}.key`, `${base}.csr`]
      openssl('req', '-new', ...key(own), '-out', request, '-subj', '/CN=server')
      writeFileSync(`${base}.ext`, `subjectAltName=${names}\n`)
      const authority = ['-CA', certFile, '-CAkey', keyFile, '-CAcreateserial']
      openssl(
        'x509',
        '-req',
        '-in',
        request,
        ...authority,
        '-out',
        `${base}.pem`,
        ...validity,
        '-extfile',
        `${base}.ext`,
      )
      return { certFile: `${base}.pem`, keyFile: own }
    },
  }
}

export interface TlsUpstream {
  readonly port: number
  /** Messages as they came, padding and all. */
  readonly messages: Buffer[]
  readonly sockets: TLSSocket[]
  /** Octets of application data, also those that are no message. */
  octets(): number
}

/** What to send for a question; it may send more than once, later, or nothing. */
export type TlsScript = (asked: Message, send: (packet: Buffer) => void, socket: TLSSocket) => void

export async function startTlsUpstream(
  t: TestContext,
  certificate: Certificate,
  script: TlsScript,
): Promise<TlsUpstream> {
  const port = await freePort()
  const messages: Buffer[] = []
  const sockets: TLSSocket[] = []
  let octets = 0
  const options = {
    cert: readFileSync(certificate.certFile),
    key: readFileSync(certificate.keyFile),
    ALPNProtocols: ['dot'],
  }
  const server = createServer(options, (socket) => {
    sockets.push(socket)
    let unread = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      octets += chunk.length
      unread = Buffer.concat([unread, chunk])
      while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
        const end = 2 + unread.readUInt16BE(0)
        const message = Buffer.from(unread.subarray(2, end))
        unread = unread.subarray(end)
        messages.push(message)
        script(parse(message), (packet) => void socket.write(framed(packet)), socket)
      }
    })
  })
  server.on('tlsClientError', () => {})
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port, messages, sockets, octets: () => octets }
}

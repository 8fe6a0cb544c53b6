import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'

/** PEM. */
export interface OwnCertificate {
  readonly cert: string
  readonly key: string
}

/** Clients that come over TLS (RFC 7858), from the first octet of their handshake to its end. */
export class Handshakes {
  private context: SecureContext | undefined
  private current: OwnCertificate | undefined
  /** By connection: when its handshake has to be done. */
  private readonly open = new Map<Socket, number>()
  private readonly handshakeMs: number

  constructor(handshakeMs: number) {
    this.handshakeMs = handshakeMs
  }

  /** Who we are for those that come from now on; those that are here stay. */
  use(certificate: OwnCertificate | undefined): void {
    if (certificate?.cert === this.current?.cert && certificate?.key === this.current?.key) return
    this.current = certificate
    this.context =
      certificate && tls().createSecureContext({ ...certificate, minVersion: 'TLSv1.2', sessionIdContext: 'dnsweir' })
  }

  /** `ready` is called with what the client says in clear once its handshake is done; else the connection just ends. */
  begin(raw: Socket, now: number, ready: (secure: Socket) => void): void {
    if (this.context === undefined) {
      raw.destroy()
      return
    }
    this.open.set(raw, now + this.handshakeMs)
    const secure: TLSSocket = new (tls().TLSSocket)(raw, {
      isServer: true,
      secureContext: this.context,
      ALPNProtocols: alpn,
    })
    secure.on('error', () => secure.destroy())
    secure.on('close', () => raw.destroy())
    raw.on('close', () => this.open.delete(raw))
    secure.once('secure', () => {
      this.open.delete(raw)
      ready(secure)
    })
  }

  /** Who trickles its handshake, or never begins, is not waited for. */
  sweep(now: number): void {
    for (const [raw, due] of this.open) if (now >= due) raw.destroy()
  }

  get count(): number {
    return this.open.size
  }

  close(): void {
    for (const raw of this.open.keys()) raw.destroy()
  }
}

/** In wire form (RFC 7301 section 3.1), as the socket below node:tls takes it. */
const alpn = Buffer.from('\u0003dot', 'latin1')

/** Loaded when there is a listener that needs it: it takes a few MiB. */
function tls(): typeof import('node:tls') {
  loaded ??= createRequire(import.meta.url)('node:tls') as typeof import('node:tls')
  return loaded
}
let loaded: typeof import('node:tls') | undefined

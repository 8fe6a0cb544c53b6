import { createRequire } from 'node:module'
import { connect, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'

/** How connections to one upstream are opened. */
export interface Transport {
  /** A connection on its way. Nothing may be written to it before `readyEvent`. */
  open(): Socket
  readonly readyEvent: 'connect' | 'secureConnect'
  /** Whether messages are padded, since only then somebody may read their length (RFC 7830 section 3). */
  readonly isEncrypted: boolean
  /** A connection ended; `error`, if there was one, is why. */
  failed(error: Error | undefined, wasReady: boolean): void
}

export function tcpTransport(host: string, port: number): Transport {
  return {
    open: () => connect({ host, port, noDelay: true }),
    readyEvent: 'connect',
    isEncrypted: false,
    failed: () => {},
  }
}

export interface TlsServer {
  /** As in the configuration, for sentences. */
  readonly label: string
  readonly host: string
  readonly port: number
  /** The name that its certificate must have; undefined: its address. */
  readonly serverName: string | undefined
  /** PEM of those who vouch for it; undefined: those that Node ships. */
  readonly ca: string | undefined
}

/**
 * DNS over TLS (RFC 7858) in the strict profile of RFC 8310 section 5: an upstream whose certificate is not right is asked nothing, never in
 * clear. Sessions are resumed. `say` hears one sentence when an upstream can't be trusted or spoken with, and one when it can again.
 */
export function tlsTransport(server: TlsServer, say: (level: 'info' | 'warn', sentence: string) => void): Transport {
  const { label, host, port, serverName, ca } = server
  let session: Buffer | undefined
  let trouble = ''

  return {
    readyEvent: 'secureConnect',
    isEncrypted: true,
    open() {
      const options: ConnectionOptions = { host, port, minVersion: 'TLSv1.2', ALPNProtocols: ['dot'] }
      // Without a name the certificate must have the address itself, and no SNI is sent: it knows names only (RFC 6066 section 3).
      if (serverName !== undefined) options.servername = serverName
      if (ca !== undefined) options.ca = ca
      if (session !== undefined) options.session = session
      const socket = tls().connect(options)
      socket.setNoDelay()
      socket.on('session', (ticket) => {
        session = ticket
      })
      socket.on('secureConnect', () => {
        if (trouble !== '') say('info', `${label} speaks TLS as it should again`)
        trouble = ''
      })
      return socket
    },
    failed(error, wasReady) {
      if (error === undefined || wasReady) return
      const code = (error as NodeJS.ErrnoException).code ?? ''
      // What is no matter of TLS the upstream's health tells, as for UDP and TCP.
      if (unreachable.has(code)) return
      session = undefined
      if (trouble === code) return
      trouble = code
      say('warn', `${label} is asked nothing: ${reasonOf(error, code, server)}; questions never go to it in clear`)
    },
  }
}

/** Loaded when there is an upstream that needs it: it takes a few MiB. */
function tls(): typeof import('node:tls') {
  loaded ??= createRequire(import.meta.url)('node:tls') as typeof import('node:tls')
  return loaded
}
let loaded: typeof import('node:tls') | undefined

const unreachable = new Set(['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'])

function reasonOf(error: Error, code: string, { serverName, host, ca }: TlsServer): string {
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `its certificate is not for ${serverName ?? host}`
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired'
    case 'CERT_NOT_YET_VALID':
      return 'its certificate is not valid yet'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return `nobody whom we trust vouches for its certificate (forward.ca is ${ca === undefined ? 'system' : 'a file'})`
    case 'ECONNRESET':
    case 'EPIPE':
      return 'it closes the connection before the TLS handshake is done'
    default:
      return `TLS fails (${code === '' ? error.message.slice(0, 80) : code})`
  }
}

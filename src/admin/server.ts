import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'
import type { SocketAddress } from '../config/address.ts'
import { socketAddressText } from '../config/address.ts'
import { hostIsOurs } from './host.ts'
import type { AdminProvider } from './provider.ts'
import { type Answer, json, type Route } from './route.ts'
import { createRoutes } from './routes.ts'

export interface AdminOptions {
  readonly listen: readonly SocketAddress[]
  readonly provider: AdminProvider
}

export interface Admin {
  /** Where it listens, with the ports that the system chose for port 0. */
  readonly addresses: readonly SocketAddress[]
  /** Ends at once, open connections too. */
  close(): Promise<void>
}

/**
 * The HTTP side: metrics, probes, statistics. It has no password and nothing in it changes state: whoever reaches
 * the address may read. Rejects with one sentence that names the address where it can't listen.
 */
export async function startAdmin({ listen, provider }: AdminOptions): Promise<Admin> {
  const routes = new Map(createRoutes().map((route) => [route.path, route]))
  const servers: Server[] = []
  const addresses: SocketAddress[] = []
  async function close(): Promise<void> {
    await Promise.all(servers.map(closeServer))
  }
  for (const wanted of listen) {
    const server = openServer(routes, provider)
    try {
      addresses.push(await listenOn(server, wanted))
    } catch (error) {
      await close()
      throw new Error(`admin: cannot listen on ${socketAddressText(wanted)}: ${whyNot(error)}`)
    }
    servers.push(server)
  }
  return { addresses, close }
}

function openServer(routes: ReadonlyMap<string, Route>, provider: AdminProvider): Server {
  const limits = {
    maxHeaderSize: headerBytesMax,
    headersTimeout: requestMsMax,
    requestTimeout: requestMsMax,
    keepAliveTimeout: idleMsMax,
    connectionsCheckingInterval: requestMsMax / 2,
  }
  const server = createServer(limits, (request, response) => {
    decide(request, routes, provider)
      .catch((error: Error) => json(500, { error: `our own mistake: ${error.message}` }))
      .then((answer) => send(request, response, answer))
  })
  server.maxConnections = connectionsMax
  return server
}

/** Every reason to refuse comes before the route is asked. */
async function decide(
  request: IncomingMessage,
  routes: ReadonlyMap<string, Route>,
  provider: AdminProvider,
): Promise<Answer> {
  if (!hostIsOurs(request.headers.host)) {
    return json(403, { error: 'the Host header names neither an IP address nor this machine' })
  }
  if (hasBody(request)) return json(413, { error: 'no request here has a body' })
  const [path, ...parameters] = (request.url ?? '').split('?') as [string, ...string[]]
  const route = routes.get(path)
  if (route === undefined) {
    return json(404, { error: 'there is no such path', paths: [...routes.keys()] })
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return json(405, { error: 'only GET and HEAD are answered here' })
  }
  return route.answer(provider, new URLSearchParams(parameters.join('?')))
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body)
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'",
    ...(answer.status === 405 ? { allow: 'GET, HEAD' } : {}),
    // A body that nobody reads would stand in the way of the connection's next request.
    ...(hasBody(request) ? { connection: 'close' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

async function listenOn(server: Server, { address, port }: SocketAddress): Promise<SocketAddress> {
  server.listen({ host: address, port, ipv6Only: isIPv6(address), exclusive: true })
  await once(server, 'listening')
  const bound = server.address()
  return { address, port: bound !== null && typeof bound === 'object' ? bound.port : port }
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

function whyNot(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return 'the port is in use by another program'
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address'
  if (code === 'EACCES') return 'permission denied (a port below 1024 needs CAP_NET_BIND_SERVICE)'
  return message
}

/** Prometheus sends about 500 bytes of headers; nobody has use for more than this. */
const headerBytesMax = 8192
/** A request has no body, so all of it comes at once or is an attack. */
const requestMsMax = 5000
/** Above the 15 s between two scrapes, a connection is used again. */
const idleMsMax = 20_000
/** A scraper, two probes, a few people: what exceeds it is not let in. */
const connectionsMax = 64

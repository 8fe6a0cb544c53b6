/** Clients over real sockets, each with a deadline: a test that waits for nothing says so by `undefined`. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, isIPv6, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Message, parse, type QueryParts, query } from './message.ts'

export interface Endpoint {
  readonly address: string
  readonly port: number
}

export interface AskOptions extends QueryParts {
  readonly transport?: 'udp' | 'tcp'
  /** The client's own address. */
  readonly from?: string
  readonly timeoutMs?: number
}

const DEADLINE_MS = 4000

/** One question, its parsed reply, or an error: for tests to which silence is a failure. */
export async function ask(to: Endpoint, name: string, type: string | number = 'A', options: AskOptions = {}) {
  const message = await maybeAsk(to, name, type, options)
  if (!message) throw new Error(`no reply to ${name} ${type} from ${to.address}:${to.port}`)
  return message
}

/** One question over a socket of its own; `undefined` when no reply came in time. */
export async function maybeAsk(
  to: Endpoint,
  name: string,
  type: string | number = 'A',
  options: AskOptions = {},
): Promise<Message | undefined> {
  return exchange(to, query(name, type, options), options)
}

/** The same with the bytes of the query given. */
export async function exchange(to: Endpoint, bytes: Buffer, options: AskOptions = {}): Promise<Message | undefined> {
  const client =
    options.transport === 'tcp' ? await TcpClient.open(to, options.from) : await UdpClient.open(to, options.from)
  try {
    client.send(bytes)
    const answer = await client.next(options.timeoutMs)
    return answer && parse(answer)
  } finally {
    client.close()
  }
}

/** Messages that came and were not taken yet, and those who wait for one. */
class Inbox {
  readonly #messages: Buffer[] = []
  readonly #waiters: ((message: Buffer | undefined) => void)[] = []

  put(message: Buffer): void {
    const waiter = this.#waiters.shift()
    if (waiter) waiter(message)
    else this.#messages.push(message)
  }

  end(): void {
    for (const waiter of this.#waiters.splice(0)) waiter(undefined)
  }

  async next(timeoutMs = DEADLINE_MS): Promise<Buffer | undefined> {
    const ready = this.#messages.shift()
    if (ready || timeoutMs === 0) return ready
    return new Promise((resolve) => {
      const settle = (message: Buffer | undefined): void => {
        clearTimeout(timer)
        resolve(message)
      }
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(settle), 1)
        resolve(undefined)
      }, timeoutMs)
      this.#waiters.push(settle)
    })
  }

  /** All that came until `count` are there or nothing came for `quietMs`. */
  async collect(count: number, quietMs: number): Promise<Buffer[]> {
    const all: Buffer[] = []
    while (all.length < count) {
      const message = await this.next(quietMs)
      if (!message) break
      all.push(message)
    }
    return all
  }
}

export class UdpClient {
  readonly #socket: UdpSocket
  readonly #to: Endpoint
  readonly #inbox = new Inbox()
  /** Addresses that replies came from, in order. */
  readonly sources: string[] = []

  /** Unconnected on purpose: a reply from another address than the one asked is seen, in `sources`. */
  static async open(to: Endpoint, from?: string): Promise<UdpClient> {
    const socket = createSocket({ type: isIPv6(to.address) ? 'udp6' : 'udp4', recvBufferSize: 4 << 20 })
    const client = new UdpClient(socket, to)
    socket.bind(0, from)
    await once(socket, 'listening')
    return client
  }

  private constructor(socket: UdpSocket, to: Endpoint) {
    this.#socket = socket
    this.#to = to
    socket.on('message', (message, info) => {
      this.sources.push(`${info.address}:${info.port}`)
      this.#inbox.put(message)
    })
  }

  get port(): number {
    return this.#socket.address().port
  }

  send(bytes: Buffer): void {
    this.#socket.send(bytes, this.#to.port, this.#to.address)
  }

  next(timeoutMs?: number): Promise<Buffer | undefined> {
    return this.#inbox.next(timeoutMs)
  }

  collect(count: number, quietMs = 1000): Promise<Buffer[]> {
    return this.#inbox.collect(count, quietMs)
  }

  close(): void {
    this.#inbox.end()
    this.#socket.close()
  }
}

export class TcpClient {
  readonly #socket: Socket
  readonly #inbox = new Inbox()
  #unread = Buffer.alloc(0)
  /** True once the other side has closed or reset. */
  closed = false

  static async open(to: Endpoint, from?: string): Promise<TcpClient> {
    const socket = connect({ host: to.address, port: to.port, noDelay: true, ...(from && { localAddress: from }) })
    const client = new TcpClient(socket)
    await once(socket, 'connect')
    return client
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      this.closed = true
      this.#inbox.end()
    })
  }

  /** One message with its length in front. */
  send(bytes: Buffer): void {
    this.#socket.write(framed(bytes))
  }

  sendRaw(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  next(timeoutMs?: number): Promise<Buffer | undefined> {
    return this.closed ? this.#inbox.next(0) : this.#inbox.next(timeoutMs)
  }

  collect(count: number, quietMs = 1000): Promise<Buffer[]> {
    return this.#inbox.collect(count, quietMs)
  }

  /** Milliseconds until the other side closed, or `undefined` when it had not by then. */
  async untilClosed(timeoutMs: number): Promise<number | undefined> {
    const start = Date.now()
    while (!this.closed && Date.now() - start < timeoutMs) await sleep(10)
    return this.closed ? Date.now() - start : undefined
  }

  /** Stops reading, as a client that never takes its replies. */
  pause(): void {
    this.#socket.pause()
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk])
    while (this.#unread.length >= 2 && this.#unread.length >= 2 + this.#unread.readUInt16BE(0)) {
      const end = 2 + this.#unread.readUInt16BE(0)
      this.#inbox.put(this.#unread.subarray(2, end))
      this.#unread = this.#unread.subarray(end)
    }
  }
}

export function framed(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

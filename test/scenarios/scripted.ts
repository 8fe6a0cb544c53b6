/** An upstream that does what a scenario says, on UDP and TCP, and remembers what it was asked. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { type Endpoint, framed } from '../support/client.ts'
import { type Message, nameBytes, parse, RCODES, reply, typeNumber } from '../support/message.ts'
import { freePort } from '../support/ports.ts'
import { named } from './compare.ts'
import { type Action, type Flag, type Rule, ScenarioError, type UpstreamBlock } from './scenario.ts'
import type { Stage } from './stage.ts'

export interface Heard extends Message {
  readonly transport: 'udp' | 'tcp'
  /** Lower case, with its last dot. */
  readonly name: string
  readonly type: number
  readonly isProbe: boolean
}

/** What of the others an action may need. */
export interface Surroundings {
  readonly file: string
  readonly stage: Stage
  readonly program: Endpoint
  socketOf(upstream: string): UdpSocket | undefined
}

type Send = (packet: Buffer | undefined) => void

/** dnsweir's own: a loop probe has two random labels, a probe for wildcards one. */
const loopProbe = /^[0-9a-f]{16}\.[0-9a-f]{16}\./
const wildcardProbe = /^[0-9a-f]{16}\./

export class ScriptedUpstream {
  readonly heard: Heard[] = []
  readonly address: string
  readonly port: number
  udp: UdpSocket | undefined
  private tcp: Server | undefined
  private stranger: UdpSocket | undefined
  private readonly connections = new Set<Socket>()
  private readonly around: Surroundings
  private block: UpstreamBlock
  private readonly used = new Map<Rule, number>()

  static async create(block: UpstreamBlock, around: Surroundings): Promise<ScriptedUpstream> {
    const address = block.address ?? '127.0.0.1'
    const upstream = new ScriptedUpstream(block, around, address, await freePort([address]))
    await upstream.take(block)
    return upstream
  }

  private constructor(block: UpstreamBlock, around: Surroundings, address: string, port: number) {
    this.block = block
    this.around = around
    this.address = address
    this.port = port
  }

  /** As the configuration names it. */
  get target(): string {
    return this.address.includes(':') ? `[${this.address}]:${this.port}` : `${this.address}:${this.port}`
  }

  /** Does from now on what `block` says. */
  async take(block: UpstreamBlock): Promise<void> {
    this.block = block
    if (block.gone) await this.close()
    else if (this.udp === undefined) await this.open()
  }

  async close(): Promise<void> {
    const { udp, tcp, stranger } = this
    this.udp = this.tcp = this.stranger = undefined
    for (const socket of this.connections) socket.destroy()
    for (const socket of [udp, stranger]) if (socket !== undefined) await closed(socket)
    if (tcp !== undefined) await closed(tcp)
  }

  private async open(): Promise<void> {
    const { address, port } = this
    this.udp = await bound(address, port)
    this.stranger = await bound(address, 0)
    this.udp.on('message', (bytes, { address, port }) => {
      this.hear(bytes, 'udp', (packet, from) => from?.send(packet, port, address))
    })
    this.tcp = createServer((socket) => this.connected(socket))
    this.tcp.listen(port, address)
    await once(this.tcp, 'listening')
  }

  private connected(socket: Socket): void {
    let unread = Buffer.alloc(0)
    this.connections.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.connections.delete(socket))
    socket.on('data', (chunk) => {
      unread = Buffer.concat([unread, chunk])
      while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
        const end = 2 + unread.readUInt16BE(0)
        const send = (packet: Buffer): void => void (socket.destroyed || socket.write(framed(packet)))
        this.hear(unread.subarray(2, end), 'tcp', send, () => socket.destroy())
        unread = unread.subarray(end)
      }
    })
  }

  private hear(
    bytes: Buffer,
    transport: 'udp' | 'tcp',
    send: (packet: Buffer, from: UdpSocket | undefined) => void,
    hangUp: () => void = () => undefined,
  ): void {
    const { stage, file, socketOf } = this.around
    stage.activity++
    const message = parse(bytes)
    const { name = '', type = 0 } = message.questions[0] ?? {}
    const isProbe =
      (type === typeNumber('HINFO') && loopProbe.test(name)) || (type === typeNumber('A') && wildcardProbe.test(name))
    const heard: Heard = { ...message, transport, name: name.toLowerCase(), type, isProbe }
    this.heard.push(heard)
    const rule = this.block.rules.find((one) => matches(one, heard) && (this.used.get(one) ?? 0) < one.times)
    if (rule === undefined) {
      if (isProbe) send(reply(message, { rcode: RCODES.NXDOMAIN }), this.udp)
      else {
        const sentence = `${this.block.name} has no rule for ${heard.name} type ${type} over ${transport}`
        stage.problem ??= new ScenarioError(file, this.block.line, sentence)
      }
      return
    }
    this.used.set(rule, (this.used.get(rule) ?? 0) + 1)
    for (const action of rule.actions) {
      stage.after(action.afterMs, () => {
        if (action.kind === 'close') return hangUp()
        const from = action.from === 'stranger' ? this.stranger : action.from ? socketOf(action.from) : this.udp
        if (action.kind === 'back') this.sendBack(bytes, (packet) => packet && send(packet, from))
        else send(packetOf(action, message), from)
      })
    }
  }

  /** Asks dnsweir what dnsweir asked, as a forwarder does that is told to use it. */
  private sendBack(bytes: Buffer, send: Send): void {
    const { program, stage } = this.around
    const socket = createSocket('udp4')
    socket.unref()
    socket.on('message', (answer) => {
      stage.activity++
      socket.close()
      send(answer)
    })
    socket.send(bytes, program.port, program.address)
  }
}

function matches(rule: Rule, heard: Heard): boolean {
  if (rule.probe !== heard.isProbe) return false
  if (rule.type !== undefined && rule.type !== heard.type) return false
  if (rule.transport !== undefined && rule.transport !== heard.transport) return false
  if (!hasFlags(heard, rule.flags)) return false
  if (rule.name === '*' || rule.name === heard.name) return true
  return rule.name.startsWith('*.') && heard.name.endsWith(rule.name.slice(1))
}

export function hasFlags(message: Message, flags: Readonly<Partial<Record<Flag, boolean>>>): boolean {
  const { rd, cd, ad, edns } = message
  const has = { rd, cd, ad, edns: edns !== undefined, do: edns?.dnssecOk === true }
  return Object.entries(flags).every(([flag, wanted]) => has[flag as Flag] === wanted)
}

function packetOf(action: Action, asked: Message): Buffer {
  if (action.kind === 'raw') return rawOf(action.raw, asked)
  const { sections, flags, options, question } = action
  const packet = reply(asked, {
    rcode: action.rcode,
    aa: flags.has('aa'),
    tc: flags.has('tc'),
    ad: flags.has('ad'),
    ra: !flags.has('-ra'),
    qr: !flags.has('-qr'),
    answers: named(sections.answer, asked),
    authority: named(sections.authority, asked),
    additional: named(sections.additional, asked),
    ...(action.id === 'wrong' && { id: (asked.id + 1) & 0xffff }),
    ...(action.opcode !== undefined && { opcode: action.opcode }),
    ...(question !== undefined && questionOf(question, asked)),
    ...(action.edns && asked.edns && { edns: { options } }),
  })
  const whole = action.cut === undefined ? packet : packet.subarray(0, action.cut)
  return Buffer.concat([whole, Buffer.alloc(action.trailing, 0xa5)])
}

/** `none`, `twice`, or `name/type/class`. */
function questionOf(text: string, asked: Message): { question: Buffer; questionCount: number } {
  if (text === 'none') return { question: Buffer.alloc(0), questionCount: 0 }
  if (text === 'twice') return { question: Buffer.concat([asked.questionBytes, asked.questionBytes]), questionCount: 2 }
  const [name = '', type = 'A', rrClass = '1'] = text.split('/')
  const numbers = Buffer.alloc(4)
  numbers.writeUInt16BE(typeNumber(type), 0)
  numbers.writeUInt16BE(Number(rrClass), 2)
  return { question: Buffer.concat([nameBytes(name), numbers]), questionCount: 1 }
}

function rawOf(text: string, asked: Message): Buffer {
  if (text === 'empty') return Buffer.alloc(0)
  const id = asked.id.toString(16).padStart(4, '0')
  return Buffer.from(text.replaceAll('$id', id).replaceAll('$question', asked.questionBytes.toString('hex')), 'hex')
}

async function bound(address: string, port: number): Promise<UdpSocket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.bind(port, address)
  await once(socket, 'listening')
  return socket
}

async function closed(one: UdpSocket | Server): Promise<void> {
  const end = once(one, 'close')
  one.close()
  await end
}

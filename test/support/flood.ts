/** Many questions over one socket, a bounded number of them open at once: for tests that ask by the ten thousand. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type Endpoint, exchange } from './client.ts'
import { type Message, parse, query, typeNumber } from './message.ts'

export interface Asked {
  readonly name: string
  readonly type: string
  readonly dnssecOk?: boolean
}

interface Open {
  readonly bytes: Buffer
  readonly resolve: (message: Message) => void
  sends: number
  timer: NodeJS.Timeout
}

const open = 64
const retryMs = 2500
const sendsMax = 3

/** Asks in the order given, at most 64 at a time; what is cut off (TC) is asked again over TCP. */
export async function askAll(to: Endpoint, questions: readonly Asked[]): Promise<Message[]> {
  const flood = await Flood.open(to)
  try {
    const replies = new Array<Message>(questions.length)
    let next = 0
    const lane = async (): Promise<void> => {
      while (next < questions.length) {
        const at = next++
        replies[at] = await flood.ask(questions[at] as Asked, at)
      }
    }
    await Promise.all(Array.from({ length: open }, lane))
    return replies
  } finally {
    flood.close()
  }
}

class Flood {
  readonly #socket: Socket
  readonly #to: Endpoint
  readonly #open = new Map<number, Open>()

  static async open(to: Endpoint): Promise<Flood> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
    socket.connect(to.port, to.address)
    await once(socket, 'connect')
    return new Flood(socket, to)
  }

  private constructor(socket: Socket, to: Endpoint) {
    this.#socket = socket
    this.#to = to
    socket.on('message', (bytes) => this.#take(bytes))
  }

  async ask({ name, type, dnssecOk = false }: Asked, at: number): Promise<Message> {
    const bytes = query(name, typeNumber(type), { id: at & 0xffff, edns: { size: 1232, dnssecOk } })
    const message = await this.#send(bytes, `${name} ${type}`)
    if (!message.tc) return message
    const whole = await exchange(this.#to, bytes, { transport: 'tcp' })
    if (whole === undefined) throw new Error(`no reply over TCP to ${name} ${type}`)
    return whole
  }

  close(): void {
    this.#socket.close()
  }

  #send(bytes: Buffer, what: string): Promise<Message> {
    return new Promise((resolve, reject) => {
      const id = bytes.readUInt16BE(0)
      const again = (): void => {
        if (one.sends === sendsMax) {
          this.#open.delete(id)
          reject(new Error(`no reply to ${what} from ${this.#to.address}:${this.#to.port}`))
          return
        }
        one.sends++
        one.timer = setTimeout(again, retryMs)
        this.#socket.send(bytes)
      }
      const one: Open = { bytes, resolve, sends: 0, timer: setTimeout(() => undefined, 0) }
      this.#open.set(id, one)
      again()
    })
  }

  /** A reply is its question's when id, name as it was written, and type are the same. */
  #take(bytes: Buffer): void {
    const message = parse(bytes)
    const one = this.#open.get(message.id)
    if (one === undefined) return
    const question = one.bytes.subarray(12, 12 + message.questionBytes.length)
    if (!message.questionBytes.equals(question))
      throw new Error(`another question came back: ${message.questions[0]?.name}`)
    this.#open.delete(message.id)
    clearTimeout(one.timer)
    one.resolve(message)
  }
}

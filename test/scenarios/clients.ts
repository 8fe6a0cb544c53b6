/** Those who ask in a scenario: each QUERY has a socket of its own, which stays open until the end. */
import type { Endpoint } from '../support/client.ts'
import { TcpClient, UdpClient } from '../support/client.ts'
import { type Message, parse, query } from '../support/message.ts'
import type { QueryStep } from './scenario.ts'
import type { Stage } from './stage.ts'

/** Longer than a scenario. */
const foreverMs = 120_000

/** A query, or many of the same at once, and what came back so far. */
export interface Asking {
  readonly step: QueryStep
  /** By id. */
  readonly sent: ReadonlyMap<number, Message>
  readonly replies: Message[]
  /** Those that a step has looked at already, from the first on. */
  checked: boolean
}

export class Clients {
  private readonly asking = new Map<string, Asking>()
  private readonly open: (UdpClient | TcpClient)[] = []
  private readonly stage: Stage
  private last: Asking | undefined

  constructor(stage: Stage) {
    this.stage = stage
  }

  async ask(step: QueryStep, program: Endpoint): Promise<void> {
    const client =
      step.transport === 'tcp' ? await TcpClient.open(program, step.from) : await UdpClient.open(program, step.from)
    this.open.push(client)
    const { rd = true, cd = false, ad = false } = step.flags
    const edns = { size: step.size, dnssecOk: step.flags.do === true, options: step.options }
    const first = Math.floor(Math.random() * 65_536)
    const packets = Array.from({ length: step.count }, (_, i) => {
      const name = step.name.replace('#', `${i + 1}`)
      const parts = { id: (first + i) & 0xffff, class: step.class, rd, cd, ad }
      return query(name, step.type, step.flags.edns ? { ...parts, edns } : parts)
    })
    const sent = new Map(packets.map((bytes) => [bytes.readUInt16BE(0), parse(bytes)]))
    const asking: Asking = { step, sent, replies: [], checked: false }
    this.asking.set(step.as, asking)
    this.last = asking
    void this.listen(client, asking)
    for (const packet of packets) client.send(packet)
  }

  /** By name, or the last one. */
  find(name: string | undefined): Asking {
    return (name === undefined ? this.last : this.asking.get(name)) as Asking
  }

  close(): void {
    for (const client of this.open) client.close()
  }

  private async listen(client: UdpClient | TcpClient, { replies }: Asking): Promise<void> {
    for (;;) {
      const bytes = await client.next(foreverMs)
      if (bytes === undefined) return
      this.stage.activity++
      try {
        replies.push(parse(bytes))
      } catch (error) {
        this.stage.problem ??= new Error(`a reply is malformed: ${(error as Error).message}: ${bytes.toString('hex')}`)
      }
    }
  }
}

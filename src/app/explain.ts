import type { ExplainAsked } from '../admin/provider.ts'
import { writeMapped } from '../base/address.ts'
import { nearest } from '../config/nearest.ts'
import type { ExplainQuestion, Explanation } from '../link/explain-data.ts'
import { clientText } from '../query/client-text.ts'
import { edeName, Type, typeCode, typeName } from '../wire/codes.ts'
import { CD, HEADER, RD } from '../wire/header.ts'
import { type MessageText, messageText } from '../wire/message-text.ts'
import { questionBytesMax, writeQuestion } from '../wire/outgoing.ts'
import { addressFromText, nameFromText, nameToText, quoted } from '../wire/text.ts'

export type { ExplainAsked }

/** Whose plan and cache it was. */
export interface ExplainPlace {
  readonly program: 'running' | 'offline'
  readonly version: string
  /** Of the plan: counts reloads. */
  readonly generation: number
  readonly shard: number
  readonly shards: number
}

/** The answer of /api/explain and of `explain --json`. */
export interface ExplainReport extends ExplainPlace {
  readonly question: { readonly name: string; readonly type: string; readonly do: boolean; readonly cd: boolean }
  readonly client: string
  readonly transport: 'udp' | 'tcp'
  readonly steps: Explanation['steps']
  readonly decidedBy: string
  /** The name whose answer decides first whether all this is so; null for none. */
  readonly asksFirst: string | null
  readonly reply: ExplainReply
}

/** Without a message there is none, or an upstream has to be asked first: then `rcode` is null. */
export interface ExplainReply extends Partial<Omit<MessageText, 'rcode' | 'ede' | 'id'>> {
  readonly source: Explanation['source']
  readonly rcode: string | null
  readonly ede?: { readonly code: number; readonly meaning: string; readonly text: string } | null
}

/** The question as a client would send it, or in a sentence why it is none. */
export function explainQuestion(asked: ExplainAsked): ExplainQuestion | string {
  const name = nameFromText(asked.name)
  if (name === undefined) return `${quoted(asked.name)} is no domain name`
  const type = typeCode(asked.type ?? 'A')
  if (type === undefined) return `${quoted(asked.type ?? '')} is no record type${meant(asked.type ?? '')}`
  const address = addressFromText(asked.client ?? '127.0.0.1')
  if (address === undefined) return `${quoted(asked.client ?? '')} is no IP address, and a client has one`
  const bytes = new Uint8Array(questionBytesMax)
  const flags = RD | (asked.checkingDisabled ? CD : 0)
  const length = writeQuestion(bytes, 0, 0, flags, name, name.length, type, asked.dnssecOk ? 1 : 0, true)
  const client = new Uint8Array(16)
  writeMapped(address, client, 0)
  return { message: bytes.slice(0, length), client, streamed: asked.tcp }
}

export function explainReport(
  asked: ExplainAsked,
  { message, client, streamed }: ExplainQuestion,
  explanation: Explanation,
  place: ExplainPlace,
): ExplainReport {
  const { steps, decidedBy, asksFirst } = explanation
  return {
    ...place,
    question: {
      name: nameToText(message, HEADER),
      type: typeName(typeCode(asked.type ?? 'A') ?? 0),
      do: asked.dnssecOk,
      cd: asked.checkingDisabled,
    },
    client: clientText(client),
    transport: streamed ? 'tcp' : 'udp',
    steps,
    decidedBy,
    asksFirst: asksFirst === '' ? null : asksFirst,
    reply: replyOf(explanation),
  }
}

function replyOf({ source, reply }: Explanation): ExplainReply {
  if (reply === undefined) return { source, rcode: null }
  const { ede, id: _, ...text } = messageText(reply)
  return { source, ...text, ede: ede === null ? null : { ...ede, meaning: edeName(ede.code) } }
}

function meant(text: string): string {
  const type = nearest(text.toUpperCase(), Object.keys(Type))
  return type === undefined ? '' : `; did you mean ${type}?`
}

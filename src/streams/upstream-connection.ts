import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { badAnswers, connections as connectionCounters } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { HEADER, ID, readU16, writeU16 } from '../wire/header.ts'
import { ANSWER_MALFORMED, ANSWER_OK, ANSWER_QUERY, ANSWER_QUESTION, checkAnswer } from '../wire/incoming.ts'
import { Frames } from './frames.ts'
import type { StreamLimits } from './limits.ts'
import { padQuestion } from './padding.ts'
import type { Question } from './question.ts'
import type { Transport } from './transport.ts'

/** What all connections to upstreams share. */
export interface DialDeps {
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  readonly limits: StreamLimits
  /** A sentence for the log. */
  readonly say: (level: 'info' | 'warn', sentence: string) => void
}

/** Who opened the connection hears of its end. */
export interface ConnectionOwner {
  /** The connection is closed, or could not be opened; `unanswered` are the questions open on it, in the order in which they were asked. */
  closed(connection: UpstreamConnection, unanswered: readonly Question[]): void
}

/**
 * One pipelined connection to an upstream, TCP or TLS (RFC 7766 section 6.2.1.1, RFC 7858 section 3.3). Ids are its own, from the CSPRNG, and none is used again while its
 * question is open (CVE-2026-33596); answers may come in any order, and what answers nothing we asked is ignored.
 */
export class UpstreamConnection {
  readonly openedAt: number
  /** When it was established; 0: not yet. */
  establishedAt = 0
  /** When the last question was answered; 0: none was. */
  answeredAt = 0
  /** When it last had something to do. */
  usedAt: number
  /** Questions that it was asked and has answered, in all. */
  asked = 0
  answered = 0
  /** We closed it. */
  isDestroyed = false
  private readonly questions = new Map<number, Question>()
  private readonly frames = new Frames()
  private readonly deps: DialDeps
  private readonly owner: ConnectionOwner
  private readonly socket: Socket
  private bad = 0
  /** When the last whole message came. Octets alone say nothing: an upstream that trickles them would hold its connection, and every question put to it. */
  private heardAt = 0
  private isCorked = false
  private readonly transport: Transport
  /** Frames that wait for it to be ready: before its certificate is known to be right, nobody is to be told anything. */
  private early: Uint8Array[] | undefined
  private error: Error | undefined

  constructor(transport: Transport, deps: DialDeps, owner: ConnectionOwner) {
    this.deps = deps
    this.owner = owner
    this.openedAt = deps.clock.now()
    this.usedAt = this.openedAt
    this.transport = transport
    this.early = transport.isEncrypted ? [] : undefined
    this.socket = transport.open()
    this.socket.on(transport.readyEvent, () => this.ready())
    this.socket.on('data', (chunk) => this.take(chunk))
    // 'close' follows, and is what counts.
    this.socket.on('error', (error) => {
      this.error ??= error
    })
    this.socket.on('close', () => this.closed())
  }

  /** Questions open on it. */
  get open(): number {
    return this.questions.size
  }

  /** May it take more questions? Else it is closed when its last one is answered. */
  isUsable(now: number): boolean {
    const { upstreamQuestionsMax, upstreamAgeMs } = this.deps.limits
    return (
      this.asked < upstreamQuestionsMax &&
      now - this.openedAt < upstreamAgeMs &&
      this.questions.size < openMax &&
      this.socket.writable
    )
  }

  /** Sends the question, with an id of the connection's own; corked until `settle`. */
  ask(question: Question, now: number): void {
    let id = this.deps.random.u16()
    while (this.questions.has(id)) id = this.deps.random.u16()
    this.questions.set(id, question)
    this.asked++
    this.usedAt = now
    question.askedAt = now
    const message = this.transport.isEncrypted ? padQuestion(question.message) : question.message
    const frame = Buffer.allocUnsafe(2 + message.length)
    frame.writeUInt16BE(message.length)
    frame.set(message, 2)
    frame.writeUInt16BE(id, 2 + ID)
    if (this.early !== undefined) {
      this.early.push(frame)
      return
    }
    if (!this.isCorked) {
      this.isCorked = true
      this.socket.cork()
    }
    this.socket.write(frame)
  }

  settle(): void {
    if (!this.isCorked) return
    this.isCorked = false
    this.socket.uncork()
  }

  /** Fails questions whose time is over, and closes a connection that is silent, idle or worn out. */
  sweep(now: number): void {
    const { limits } = this.deps
    if (this.establishedAt === 0 && now - this.openedAt >= limits.upstreamConnectMs) this.destroy()
    let isSilent = false
    for (const [id, question] of this.questions) {
      if (now < question.deadline) continue
      this.questions.delete(id)
      if (this.heardAt < question.askedAt) isSilent = true
      question.fail()
    }
    const isIdle = this.questions.size === 0 && (now - this.usedAt >= limits.upstreamIdleMs || !this.isUsable(now))
    if (isSilent || isIdle) this.destroy()
  }

  destroy(): void {
    this.isDestroyed = true
    this.socket.destroy()
  }

  private ready(): void {
    this.establishedAt = this.deps.clock.now()
    this.deps.counters.add(connectionCounters.upstream)
    const early = this.early ?? []
    this.early = undefined
    if (early.length > 0) this.socket.write(Buffer.concat(early))
  }

  private take(chunk: Uint8Array): void {
    const now = this.deps.clock.now()
    this.frames.push(chunk)
    while (this.frames.next()) {
      this.heardAt = now
      this.usedAt = now
      this.finish(this.frames.bytes, this.frames.at, this.frames.length)
    }
    if (this.bad > this.deps.limits.upstreamBadAnswersMax) this.destroy()
  }

  private finish(bytes: Uint8Array, at: number, length: number): void {
    if (length < HEADER) {
      this.ignore('short')
      return
    }
    const id = readU16(bytes, at + ID)
    const question = this.questions.get(id)
    if (question === undefined) {
      this.ignore('id')
      return
    }
    const result = checkAnswer(bytes, at, length, id, question.name, question.name.length, question.type)
    if (result !== ANSWER_OK) {
      this.ignore(reasons[result] ?? 'malformed')
      return
    }
    this.questions.delete(id)
    this.answered++
    this.answeredAt = this.heardAt
    // The shard knows its question by the id that it gave it.
    writeU16(bytes, at + ID, question.id)
    question.end(bytes, at, length)
  }

  private ignore(reason: keyof typeof badAnswers): void {
    this.bad++
    this.deps.counters.add(badAnswers[reason])
  }

  private closed(): void {
    const unanswered = [...this.questions.values()]
    this.questions.clear()
    this.transport.failed(this.error, this.establishedAt > 0)
    this.owner.closed(this, unanswered)
  }
}

/** Far fewer than there are ids, so that a free one is found at once; more than shards may ask together in practice. */
const openMax = 8192

const reasons: Record<number, keyof typeof badAnswers> = {
  [ANSWER_QUERY]: 'query',
  [ANSWER_QUESTION]: 'question',
  [ANSWER_MALFORMED]: 'malformed',
}

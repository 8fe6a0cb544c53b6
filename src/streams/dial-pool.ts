import type { Question } from './question.ts'
import type { Transport } from './transport.ts'
import { type ConnectionOwner, type DialDeps, UpstreamConnection } from './upstream-connection.ts'

/**
 * The connections to one upstream, and the questions that wait for one.
 *
 *   ask ─▶ a connection with room, or a new one ─▶ answered
 *     └──▶ all are used up: waiting ─▶ as soon as there is room, or failed at its deadline
 *
 * An upstream may close a connection after as few questions as it likes, even one (RFC 7766 section 6.2.4). What it left unanswered is asked
 * again, and as many as it answered is what later connections are asked, until one shows that the upstream takes more.
 */
export class UpstreamPool implements ConnectionOwner {
  private readonly transport: Transport
  private readonly deps: DialDeps
  private readonly connections = new Set<UpstreamConnection>()
  /** Not empty only while there are as many connections as may be. */
  private waiting: Question[] = []
  /** Questions that the upstream takes on one connection, as far as we know. */
  private questionsMax: number
  /** Connections in a row that were closed without an answer, since there was none at all. */
  private fruitless = 0
  private failedUntil = Number.NEGATIVE_INFINITY
  private isClosed = false

  constructor(transport: Transport, deps: DialDeps) {
    this.transport = transport
    this.deps = deps
    this.questionsMax = deps.limits.upstreamQuestionsMax
  }

  get isEmpty(): boolean {
    return this.connections.size === 0
  }

  ask(question: Question, now: number): void {
    const connection = this.connectionFor(now)
    if (connection !== undefined) connection.ask(question, now)
    else if (this.mayWait && this.waiting.length < waitingMax) this.waiting.push(question)
    else question.fail()
  }

  settle(): void {
    for (const connection of this.connections) connection.settle()
  }

  sweep(now: number): void {
    let staysOpen = false
    for (const connection of this.connections) {
      connection.sweep(now)
      staysOpen ||= connection.asked >= this.questionsMax && connection.open === 0 && now - connection.usedAt >= restMs
    }
    if (staysOpen) this.questionsMax = Math.min(2 * this.questionsMax, this.deps.limits.upstreamQuestionsMax)
    if (this.waiting.length === 0) return
    const late = this.waiting.filter((question) => now >= question.deadline)
    if (late.length > 0) this.waiting = this.waiting.filter((question) => now < question.deadline)
    for (const question of late) question.fail()
    this.pump(now)
  }

  close(): void {
    this.isClosed = true
    for (const connection of this.connections) connection.destroy()
  }

  closed(connection: UpstreamConnection, unanswered: readonly Question[]): void {
    const now = this.deps.clock.now()
    this.connections.delete(connection)
    if (connection.establishedAt === 0) this.failedUntil = now + this.deps.limits.upstreamBackoffMs
    this.fruitless = connection.answered > 0 || this.isEmpty ? 0 : this.fruitless + 1
    // A question that was asked after the last answer tells nothing: it may have met the end of an idle connection.
    const isShort = unanswered.some((question) => question.askedAt < connection.answeredAt)
    if (isShort && !connection.isDestroyed) this.questionsMax = Math.min(this.questionsMax, connection.answered)
    const again: Question[] = []
    for (const question of unanswered) {
      if (now < question.deadline && this.mayRepeat(question, connection)) again.push(question)
      else question.fail()
    }
    for (const question of again) question.repeats++
    if (again.length > 0) this.waiting = again.concat(this.waiting)
    this.pump(now)
  }

  /**
   * A connection that answered something was good, and what it left open is asked again. Without an answer it has failed, unless it stood
   * already when it was asked: an upstream may close an idle connection at the very moment at which we ask.
   */
  private mayRepeat(question: Question, connection: UpstreamConnection): boolean {
    if (this.isClosed) return false
    if (connection.answered > 0) return question.repeats < repeatsMax
    const wasStanding = connection.establishedAt > 0 && connection.establishedAt < question.askedAt
    return wasStanding && question.repeats === 0
  }

  /** Asks those who wait, the oldest first; when there is nothing left to wait for, they fail. */
  private pump(now: number): void {
    let asked = 0
    for (const question of this.waiting) {
      const connection = this.connectionFor(now)
      if (connection === undefined) break
      connection.ask(question, now)
      asked++
    }
    this.settle()
    const rest = this.waiting.slice(asked)
    this.waiting = this.mayWait ? rest : []
    if (!this.mayWait) for (const question of rest) question.fail()
  }

  /** Is there something to wait for? The end of a connection makes room, unless the upstream has ceased to answer. */
  private get mayWait(): boolean {
    const isFull = this.connections.size >= this.connectionsMax
    return isFull && !this.isClosed && this.fruitless < this.deps.limits.upstreamConnectionsMax
  }

  /** Those that are used up and not yet closed are counted, too. */
  private get connectionsMax(): number {
    return 2 * this.deps.limits.upstreamConnectionsMax
  }

  /** The usable connection with the fewest open questions, or a new one when all have many. */
  private connectionFor(now: number): UpstreamConnection | undefined {
    let best: UpstreamConnection | undefined
    let usable = 0
    for (const connection of this.connections) {
      if (connection.asked >= this.questionsMax || !connection.isUsable(now)) continue
      usable++
      if (best === undefined || connection.open < best.open) best = connection
    }
    const { upstreamPipelineDepth, upstreamConnectionsMax } = this.deps.limits
    if (best !== undefined && (best.open < upstreamPipelineDepth || usable >= upstreamConnectionsMax)) return best
    if (now < this.failedUntil || this.isClosed || this.connections.size >= this.connectionsMax) return best
    const connection = new UpstreamConnection(this.transport, this.deps, this)
    this.connections.add(connection)
    return connection
  }
}

/** Times that one question is asked again: each connection in between has answered others, so more would be an upstream that plays with us. */
const repeatsMax = 3

/** Questions that wait for a connection: as many as one connection takes at once. */
const waitingMax = 8192

/** Time (ms) in which an upstream that takes no more questions closes the connection; one that is still open then takes more. */
const restMs = 100

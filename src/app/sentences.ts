import type { LoopEvent } from '../link/messages.ts'
import type { PlanData } from '../link/plan-data.ts'

/** What the first lines of the log tell. */
export interface StartFacts {
  readonly version: string
  readonly listeners: readonly string[]
  readonly admin: string
  readonly plan: PlanData
  /** `epoll (batched system calls)`, `dgram`. */
  readonly engine: string
  /** Why it is not the faster one, in a clause. */
  readonly engineReason: string | undefined
  readonly shards: number
  /** SO_RCVBUF as the kernel reports it, 0 when unknown. */
  readonly receiveBuffer: number
  /** SO_RCVBUF that was asked for. */
  readonly receiveBufferWanted: number
}

/** The few lines that tell an operator what has started, one sentence each. */
export function startLines(facts: StartFacts): string[] {
  const { version, listeners, admin, plan, shards } = facts
  return [
    `dnsweir ${version} listens on ${listenersText(listeners)}`,
    ...planLines(plan),
    engineLine(facts, shards),
    ...bufferLines(facts),
    `metrics and health are on http://${admin}`,
  ]
}

/** What a reload may have changed. */
export function planLines(plan: PlanData): string[] {
  const routes = plan.routes.map(({ name, upstreams }) => {
    const servers = upstreams.map((at) => plan.upstreams[at]?.name)
    const whom = servers.length === 0 ? 'nobody' : servers.join(', ')
    return name === '.' ? `forwards to ${whom}` : `${name} to ${whom}`
  })
  const named = (mode: string) => plan.rules.filter((rule) => rule.mode === mode).map((rule) => rule.name)
  const [enforced, observed] = [named('enforce'), named('observe')]
  const enforcing = enforced.length === 0 ? 'none' : enforced.join(', ')
  return [
    routes.join('; '),
    `rules that act: ${enforcing}${observed.length === 0 ? '' : `; that only observe: ${observed.join(', ')}`}`,
  ]
}

/** A loop in one plain sentence that names the path, and its end in another. */
export function loopSentence({ marked, route, zone, upstream, listener, from }: LoopEvent): string {
  const about = `questions for zone ${zone === '' ? route : zone} sent to ${upstream}`
  if (!marked) return `loop: healed: ${about} no longer come back; it is asked again as usual`
  const where = listener === '' ? '' : ` at ${listener}`
  const by = from === '' ? '' : ` (sent by ${from})`
  return (
    `loop: ${about} come back to dnsweir${where}${by}; it gets ${zone === '' ? 'no questions' : 'none of them'} while ` +
    'another upstream of the route works, and at most 20 a second otherwise'
  )
}

function engineLine({ engine, engineReason }: StartFacts, shards: number): string {
  const why = engineReason === undefined ? '' : `, for ${engineReason}`
  return `UDP engine: ${engine}${why}; ${shards} shard${shards === 1 ? '' : 's'}`
}

/** What the kernel charges a socket for a small datagram: the packet's own structures count (truesize of an skb). */
const bytesPerDatagram = 768
const flood = 100_000

function bufferLines({ receiveBuffer, receiveBufferWanted }: StartFacts): string[] {
  if (receiveBuffer === 0) return []
  const ms = Math.floor((receiveBuffer / bytesPerDatagram / flood) * 1000)
  const size = `${Math.round(receiveBuffer / 1024)} KiB`
  // The kernel doubles what it grants, for its own bookkeeping.
  const raise =
    receiveBuffer < receiveBufferWanted * 2 ? `; sysctl net.core.rmem_max=${receiveBufferWanted} raises it` : ''
  return [`each UDP socket buffers ${size}: about ${ms} ms of queries at 100,000 a second${raise}`]
}

/** What stands behind `listens on`. */
function listenersText(listeners: readonly string[]): string {
  const isTls = (text: string): boolean => text.startsWith('tls://')
  const plain = listeners.filter((text) => !isTls(text))
  const parts = [plain.length > 0 && `${listLimited(plain)} (UDP and TCP)`, listLimited(listeners.filter(isTls))]
  return parts.filter(Boolean).join(' and ')
}

/** A wildcard may stand for hundreds of addresses. */
const listedMax = 16

function listLimited(list: readonly string[]): string {
  const rest = list.length - listedMax
  return rest > 0 ? `${list.slice(0, listedMax).join(', ')} and ${rest} more` : list.join(', ')
}

import { styleText } from 'node:util'
import type { ExplainReport } from '../../app/explain.ts'

type Color = 'green' | 'red' | 'yellow' | 'bold' | 'dim'

/** The report for people: a line a step, then the reply as dig would show it. Coloured on a terminal, unless NO_COLOR says no. */
export function printExplained(
  report: ExplainReport,
  isColoured = process.stdout.isTTY === true && !process.env['NO_COLOR'],
): string {
  const paint = (color: Color, text: string): string =>
    isColoured ? styleText(color, text, { validateStream: false }) : text
  const { steps, question, client, transport } = report
  const stepWidth = Math.max(...steps.map(({ step }) => step.length))
  const wordWidth = Math.max(...steps.map((one) => wordOf(one).length))
  const flags = [question.do && ' DO', question.cd && ' CD', transport === 'tcp' && ' over TCP']
    .filter(Boolean)
    .join('')
  const lines = [
    paint('bold', printable(`${question.name} ${question.type}${flags}, asked by ${client}`)),
    paint('dim', printable(whose(report))),
    '',
    ...steps.map((one) => {
      const word = wordOf(one).padEnd(wordWidth)
      return `${printable(one.step).padEnd(stepWidth)}  ${paint(colorOf(one), printable(word))}  ${printable(one.why)}`
    }),
    '',
    ...replyLines(report).map(printable),
  ]
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

/** What came over the network must not move the cursor. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}

type Step = ExplainReport['steps'][number]

function wordOf({ mode, verdict }: Step): string {
  return mode === 'observe' && verdict !== 'pass' ? `(${verdict})` : verdict
}

function colorOf({ mode, verdict }: Step): Color {
  if (mode === 'observe' || verdict === 'pass') return 'dim'
  if (['drop', 'cacheOnly', 'SERVFAIL', 'REFUSED', 'failure', 'none'].includes(verdict)) return 'red'
  if (['reply', 'NXDOMAIN', 'negative', 'probe', 'rewrite', 'ask'].includes(verdict)) return 'yellow'
  return 'green'
}

function whose({ program, version, generation, shard, shards }: ExplainReport): string {
  if (program === 'offline')
    return `dnsweir ${version}, no program asked: as one that has just started with this configuration`
  const cache = shards === 1 ? '' : `; cache, cuts and upstreams as shard ${shard} of ${shards} knows them`
  return `dnsweir ${version}, settings ${generation}${cache}`
}

function replyLines({ reply }: ExplainReport): string[] {
  const { rcode, source, flags = [], answer = [], authority = [], additional = [], ede, question = '', size } = reply
  if (rcode === null) return [source === 'none' ? ';; no reply' : ";; the reply is the upstream's"]
  const counts = `QUERY: ${question === '' ? 0 : 1}, ANSWER: ${answer.length}, AUTHORITY: ${authority.length}, ADDITIONAL: ${additional.length + 1}`
  const lines = [`;; ->>HEADER<<- opcode: ${reply.opcode}, status: ${rcode}`, `;; flags: ${flags.join(' ')}; ${counts}`]
  if (ede != null) lines.push(`; EDE: ${ede.code} (${ede.meaning}): (${ede.text})`)
  const sections = {
    QUESTION: question === '' ? [] : [`;${question}`],
    ANSWER: answer,
    AUTHORITY: authority,
    ADDITIONAL: additional,
  }
  for (const [name, records] of Object.entries(sections)) {
    if (records.length > 0) lines.push('', `;; ${name} SECTION:`, ...records)
  }
  return [...lines, '', `;; MSG SIZE: ${size}`]
}

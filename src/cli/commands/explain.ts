import { request } from 'node:http'
import { Command } from 'commander'
import type { ExplainAsked, ExplainReport } from '../../app/explain.ts'
import { load, SetupError } from '../../app/load.ts'
import { parseSettings, type Settings } from '../../app/settings.ts'
import { machine } from '../../app/world.ts'
import { isWildcard, readSocketAddress, type SocketAddress, socketAddressText } from '../../config/address.ts'
import { fail, failedExit, printProblems, usageExit } from '../exit.ts'
import { printable, printExplained } from './explain-print.ts'

interface Options {
  readonly client?: string
  readonly config?: string
  readonly admin?: string
  readonly json?: true
  readonly do?: true
  readonly cd?: true
  readonly tcp?: true
  readonly offline?: true
}

/** Above what the program takes at most to answer, in ms. */
const withinMs = 3000
/** The longest report: a reply of 64 KiB, its records in text. */
const bytesMax = 4 * 2 ** 20

/** `dnsweir explain`: which rule decides about a name, and why; of a program that runs, or of a configuration. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('Show step by step what dnsweir does with a question, and why. Nobody is asked, nothing is counted.')
    .argument('<name>', 'a domain name; \\DDD stands for a byte')
    .argument('[type]', 'a record type', 'A')
    .option('--client <ip>', 'as if this client asked', '127.0.0.1')
    .option('-c, --config <file>', 'the configuration that says where the program answers (admin.listen)')
    .option('--admin <address>', 'where it answers, IP:port')
    .option('--offline', 'ask no program: walk the plan that --config makes')
    .option('--do', 'as if the question asked for DNSSEC (DO)')
    .option('--cd', 'as if checking was disabled (CD)')
    .option('--tcp', 'as if it came over TCP')
    .option('--json', 'print what /api/explain answers')
    .action(async (name: string, type: string, options: Options) => {
      try {
        await explain(name, type, options)
      } catch (error) {
        if (!(error instanceof SetupError)) throw error
        fail(error.message)
      }
    })
}

async function explain(name: string, type: string, options: Options): Promise<void> {
  const asked: ExplainAsked = {
    name,
    type,
    client: options.client,
    dnssecOk: options.do === true,
    checkingDisabled: options.cd === true,
    tcp: options.tcp === true,
  }
  const report = options.offline ? await offline(asked, options) : await running(asked, options)
  if (report === undefined) return
  if (options.json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
  else process.stdout.write(printExplained(report))
}

/** Undefined, with the exit code set, when there is none. */
async function offline(asked: ExplainAsked, { config }: Options): Promise<ExplainReport | undefined> {
  const settings = settingsOf(config)
  if (settings === undefined) return undefined
  const { explainOffline } = await import('../../app/explain-offline.ts')
  const report = explainOffline(settings, asked, machine)
  if (typeof report !== 'string') return report
  fail(report)
  return undefined
}

async function running(asked: ExplainAsked, options: Options): Promise<ExplainReport | undefined> {
  const at = adminOf(options)
  if (at === undefined) return undefined
  const { status, body } = await get(at, `/api/explain?${parametersOf(asked)}`)
  const where = socketAddressText(at)
  if (status === 200 && isReport(body)) return body
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined
  if (status === 0) {
    fail(
      `no dnsweir answers at ${where} (${body}): start it, name its admin address with --admin or --config, or use --offline`,
      failedExit,
    )
  } else if (typeof error !== 'string')
    fail(`what answers at ${where} is no dnsweir that can explain (status ${status})`, failedExit)
  else fail(printable(error), status === 400 ? usageExit : failedExit)
  return undefined
}

function parametersOf({ name, type, client, dnssecOk, checkingDisabled, tcp }: ExplainAsked): URLSearchParams {
  const parameters = new URLSearchParams({ name, type: type ?? 'A', client: client ?? '' })
  for (const [key, isSet] of Object.entries({ do: dnssecOk, cd: checkingDisabled, tcp })) {
    if (isSet) parameters.set(key, '1')
  }
  return parameters
}

/** Where the program answers, or undefined with the exit code set. */
function adminOf({ admin, config }: Options): SocketAddress | undefined {
  if (admin !== undefined) {
    const { value, error } = readSocketAddress(admin) as { value?: SocketAddress; error?: string }
    if (value === undefined) fail(`--admin ${JSON.stringify(admin)}: ${error}`)
    return value
  }
  const listen = settingsOf(config)?.admin.listen
  if (listen === undefined || !isWildcard(listen.address)) return listen
  return { ...listen, address: listen.address === '0.0.0.0' ? '127.0.0.1' : '::1' }
}

/** Of the file, or the defaults without one; undefined, its problems printed, when it is not good. */
function settingsOf(file: string | undefined): Settings | undefined {
  const { settings, problems } =
    file === undefined ? parseSettings('', 'defaults') : load({ file, overrides: {} }, machine)
  if (settings !== undefined) return settings
  printProblems(problems)
  process.exitCode = usageExit
  return undefined
}

function isReport(body: unknown): body is ExplainReport {
  return typeof body === 'object' && body !== null && 'steps' in body && 'reply' in body
}

/** Status 0 when nobody answers, `body` saying why; the body of other answers is parsed, undefined where it is no JSON. */
function get({ address, port }: SocketAddress, path: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve) => {
    const call = request({ host: address, port, path, timeout: withinMs, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (text.length > bytesMax) response.destroy()
      })
      response.on('close', () => resolve({ status: response.statusCode ?? 0, body: parsed(text) }))
    })
    call.on('timeout', () => call.destroy(new Error(`no answer in ${withinMs / 1000} s`)))
    call.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ status: 0, body: reasons[error.code ?? ''] ?? error.message }),
    )
    call.end()
  })
}

const reasons: Readonly<Record<string, string>> = { ECONNREFUSED: 'nothing listens there' }

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

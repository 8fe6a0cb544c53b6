import { parseArgs } from 'node:util'
import { loadApart } from '../../app/load-apart.ts'
import { SetupError, serve } from '../../app/serve.ts'
import { nearest } from '../../config/nearest.ts'
import { fail, printProblems, usageExit } from '../exit.ts'
import { serveFlags } from './serve-flags.ts'

const engines = ['auto', 'epoll', 'dgram'] as const
type Flags = { config?: string; listen?: string[]; upstream?: string[]; admin?: string; udp?: string }

/** `dnsweir serve`: resolves when it serves, or with `process.exitCode` set when it can't. */
export async function runServe(args: readonly string[]): Promise<void> {
  const flags = parse(args)
  if (typeof flags === 'string') return fail(flags)
  const udp = engines.find((engine) => engine === (flags.udp ?? 'auto'))
  if (udp === undefined) return fail(`--udp is ${JSON.stringify(flags.udp)}: expected epoll or dgram`)
  const { config: file, listen, upstream, admin } = flags
  const source = { file, overrides: { listen, upstream, admin } }
  try {
    const { settings, problems, local } = await loadApart(source)
    printProblems(problems)
    if (settings === undefined) process.exitCode = usageExit
    else await serve({ source, settings, local, udp, print: printProblems })
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    fail(error.message)
  }
}

/** The flags, or what is wrong with them in a sentence. */
function parse(args: readonly string[]): Flags | string {
  const options = Object.fromEntries(
    serveFlags.map(({ name, many }) => [name, { type: 'string', multiple: many } as const]),
  )
  try {
    return parseArgs({ args: [...args], options, strict: true }).values as Flags
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return message
    const names = serveFlags.map(({ name }) => name)
    const word = args.find((arg) => arg.startsWith('-') && !names.includes(flagName(arg))) ?? ''
    const meant = nearest(flagName(word), names)
    return `serve has no flag ${word}${meant === undefined ? '' : `; did you mean --${meant}?`}`
  }
}

function flagName(arg: string): string {
  return arg.replace(/^-+/, '').replace(/=.*/, '')
}

import { Command, CommanderError } from 'commander'
import { version } from '../app/version.ts'
import { checkCommand } from './commands/check.ts'
import { explainCommand } from './commands/explain.ts'
import { schemaCommand } from './commands/schema.ts'
import { serveCommand } from './commands/serve-command.ts'
import { usageExit } from './exit.ts'

/** THE list of commands, in the order in which a newcomer needs them. */
const commands: readonly (() => Command)[] = [
  serveCommand, // what it is for
  checkCommand, // before a change goes live
  explainCommand, // when a name is answered otherwise than expected
  schemaCommand, // for the editor that writes the configuration
]

/** Runs one command. What the command line gets wrong is said in a sentence, with exit code 2. */
export async function runCommand(args: readonly string[]): Promise<void> {
  const program = new Command('dnsweir')
    .description('A small caching DNS guard: stands in front of resolvers and holds floods back.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError('(dnsweir --help lists the commands)')
    .showSuggestionAfterError()
  for (const create of commands) program.addCommand(create())
  for (const one of [program, ...program.commands]) one.exitOverride()
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help and version end this way, too, with 0; commander has written its sentence.
    process.exitCode = error.exitCode === 0 ? 0 : usageExit
  }
}

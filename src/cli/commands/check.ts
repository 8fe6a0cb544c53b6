import { Command } from 'commander'
import { build } from '../../app/build.ts'
import { load, SetupError } from '../../app/load.ts'
import { machine } from '../../app/world.ts'
import { fail, printProblems, usageExit } from '../exit.ts'

/** `dnsweir check`: all that `serve` would say of the configuration, without a socket opened. */
export function checkCommand(): Command {
  return new Command('check')
    .description('Check a configuration and the files it names, without serving.')
    .requiredOption('-c, --config <file>', 'the configuration')
    .action(({ config }: { config: string }) => check(config))
}

function check(file: string): void {
  try {
    const { settings, problems, local } = load({ file, overrides: {} }, machine)
    printProblems(problems)
    if (settings === undefined) {
      process.exitCode = usageExit
      return
    }
    const { plan, warnings } = build(settings, 0, machine, undefined, local)
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`)
    const count = plan.upstreams.length
    process.stdout.write(`${file}: ok (${count} upstream${count === 1 ? '' : 's'}, ${plan.rules.length} rules on)\n`)
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    fail(error.message)
  }
}

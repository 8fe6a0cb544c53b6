import { Command } from 'commander'
import { serveFlags } from './serve-flags.ts'

/** `serve` in the help; cli/main.ts runs it before commander is loaded. */
export function serveCommand(): Command {
  const command = new Command('serve').description('Serve DNS until SIGTERM. SIGHUP reads the configuration again.')
  for (const { name, value, doc } of serveFlags) command.option(`--${name} <${value}>`, doc)
  return command
}

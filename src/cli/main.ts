#!/usr/bin/env node
/**
 * `serve` is what runs for months beside other people's programs: it starts without the commands' library. All else
 * goes through the list in commands.ts.
 */
const [command, ...rest] = process.argv.slice(2)
if (command === 'serve') {
  const { runServe } = await import('./commands/serve.ts')
  await runServe(rest)
} else {
  const { runCommand } = await import('./commands.ts')
  await runCommand(process.argv.slice(2))
}

#!/usr/bin/env node
/**
 * `serve` is what runs for months beside other people's programs: it starts without the commands' library. All else, its
 * help too, goes through the list in commands.ts.
 */
const args = process.argv.slice(2)
if (args[0] === 'serve' && !args.includes('--help') && !args.includes('-h')) {
  const { runServe } = await import('./commands/serve.ts')
  await runServe(args.slice(1))
} else {
  const { runCommand } = await import('./commands.ts')
  await runCommand(args)
}

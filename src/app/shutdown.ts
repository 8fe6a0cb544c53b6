/** Runs `end` at the first SIGTERM or SIGINT and exits 0 after it; a second signal does not wait. */
export function onSignals(end: (signal: NodeJS.Signals) => Promise<void>): void {
  let ending = false
  const hear = (signal: NodeJS.Signals): void => {
    if (ending) process.exit(1)
    ending = true
    end(signal).then(
      () => process.exit(0),
      (error: Error) => {
        process.stderr.write(`dnsweir: ending failed: ${error.message}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', hear)
  process.on('SIGINT', hear)
}

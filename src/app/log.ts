import { type Logger, pino } from 'pino'

export interface Log {
  readonly logger: Logger
  /** Lines that were thrown away because standard output did not take them. */
  dropped(): number
  /** Writes out what waits now, for lines that should be seen at once. */
  flush(): void
  /** Writes out what waits; resolves when it is out, or when nobody reads it in time. */
  close(): Promise<void>
}

/** Lines are gathered to this many bytes before they are written: one system call for many lines in a burst. */
const gatheredBytes = 4096
/** What may wait for a slow reader of standard output; lines beyond it are dropped and counted, so memory stays bounded. */
const waitingBytesMax = 2 ** 20
/** No line waits longer than this to be seen. */
const flushAfterMs = 200
/** How long the end of the program waits for a reader. */
const closeWithinMs = 500

/** The log: JSON lines on standard output, `level` as a word, `time` as ISO 8601. */
export function openLog(level: string): Log {
  const output = pino.destination({ dest: 1, sync: false, minLength: gatheredBytes, maxLength: waitingBytesMax })
  let timer: NodeJS.Timeout | undefined
  let dropped = 0
  let confessed = 0
  output.on('drop', () => {
    dropped++
  })
  // A reader that went away (EPIPE) is no reason to stop serving; lines for it pile up to the bound and are dropped.
  output.on('error', () => undefined)
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  )
  return { logger, dropped: () => dropped, flush, close }

  function write(line: string): void {
    output.write(line)
    timer ??= setTimeout(flush, flushAfterMs).unref()
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    output.flush()
    if (dropped === confessed) return
    const count = dropped - confessed
    confessed = dropped
    logger.warn({ dropped: count }, 'log lines were dropped: standard output does not take them')
  }

  function close(): Promise<void> {
    clearTimeout(timer)
    return new Promise((resolve) => {
      setTimeout(resolve, closeWithinMs).unref()
      output.flush(() => resolve())
    })
  }
}

/**
 * The test runner: every `*.test.js` of the compiled tree, unit tests two at a time, then what starts the real program
 * or measures, alone. Arguments are filters: a file runs when its path contains one of them.
 *
 * The last line is `N passed, N failed, N skipped`; the exit code is 1 when anything failed, or nothing ran.
 */
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

/** What `node:test` reports, as far as it is read here. */
interface TestEvent {
  readonly type: string
  readonly data: {
    readonly name?: string
    readonly nesting?: number
    readonly message?: string
    readonly skip?: unknown
    readonly todo?: unknown
    readonly details?: { readonly type?: string; readonly error?: { readonly failureType?: string } }
  }
}

const FILE_TIMEOUT_MS = 240_000
const treeRoot = fileURLToPath(new URL('..', import.meta.url))
const filters = process.argv.slice(2)
const counts = { passed: 0, failed: 0, skipped: 0 }

const files = ['src', 'test', 'bench'].flatMap(testFilesUnder)
const isUnit = (file: string): boolean => relative(treeRoot, file).startsWith('src')

Readable.from(allEvents()).pipe(new spec()).on('end', sayCounts).pipe(process.stdout, { end: false })

async function* allEvents(): AsyncGenerator<TestEvent> {
  yield* eventsOf(files.filter(isUnit), 2)
  yield* eventsOf(
    files.filter((file) => !isUnit(file)),
    1,
  )
}

async function* eventsOf(batch: string[], concurrency: number): AsyncGenerator<TestEvent> {
  // `run` without files would look for some by itself.
  if (batch.length === 0) return
  for await (const event of run({ files: batch, concurrency, timeout: FILE_TIMEOUT_MS }) as AsyncIterable<TestEvent>) {
    if (isRunSummary(event)) continue
    count(event)
    yield event
  }
}

function count({ type, data }: TestEvent): void {
  const isSuite = data.details?.type === 'suite'
  // A parent fails because a child did: the child has been counted.
  const isEcho = data.details?.error?.failureType === 'subtestsFailed'
  if (type === 'test:fail' && data.todo === undefined && !isEcho) counts.failed++
  else if (type === 'test:pass' && data.skip !== undefined && data.skip !== false) counts.skipped++
  else if (type === 'test:pass' && !isSuite) counts.passed++
  // Node 20 reports an exception that comes after its test has ended as a mere remark.
  else if (type === 'test:diagnostic' && /after the test ended/.test(data.message ?? '')) counts.failed++
}

/** Each of our two runs closes with its own totals; ours are one line at the end. */
function isRunSummary({ type, data }: TestEvent): boolean {
  if (type === 'test:summary') return true
  if (type !== 'test:diagnostic' || data.nesting !== 0) return false
  return /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(data.message ?? '')
}

function sayCounts(): void {
  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
  const ran = counts.passed + counts.failed + counts.skipped
  process.exitCode = counts.failed > 0 || ran === 0 ? 1 : 0
}

function testFilesUnder(folder: string): string[] {
  return walk(join(treeRoot, folder))
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => filters.length === 0 || filters.some((filter) => relative(treeRoot, file).includes(filter)))
    .sort()
}

function walk(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? walk(path) : [path]
    })
  } catch (error) {
    // bench/ need not exist, for one.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import ts from 'typescript'
import { importsOf, packageOf, parsed, target, walk } from './sources.ts'

/** Where a shard's thread begins. */
const entry = 'src/threads/shard.ts'
/** The engine for machines without epoll runs on Node's own loop, so it may use what lives there. */
const onNodesLoop = ['src/net/reactor-node.ts', 'src/net/udp-node.ts']
/** What needs Node's loop to come round, or the collector to call back: in a shard neither happens in time (DESIGN 1). */
const neverInAShard = new Set([
  ...['Promise', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'nextTick'],
  ...['WeakRef', 'FinalizationRegistry', 'stdout', 'stderr', 'console'],
])

/** The loop itself gives Node's loop one turn by this, once a second at least. */
const exceptions = [{ file: 'src/net/reactor-epoll.ts', word: 'setImmediate' }]

/** What `from` loads at run time: files of ours, and packages with the file that asks for each. */
function reach(from: string): { files: Set<string>; packages: Map<string, string> } {
  const files = new Set<string>()
  const packages = new Map<string, string>()
  const visit = (file: string): void => {
    if (files.has(file)) return
    files.add(file)
    for (const { specifier, typeOnly } of importsOf(parsed(file))) {
      if (typeOnly) continue
      const to = target(file, specifier)
      if (to !== undefined) visit(to)
      else packages.set(packageOf(specifier), file)
    }
  }
  visit(from)
  return { files, packages }
}

/** What in a file is asynchronous, as `file:line: word`. */
function asynchronous(source: ts.SourceFile): string[] {
  const found: string[] = []
  const excused = exceptions.filter(({ file }) => file === source.fileName).map(({ word }) => word)
  walk(source, (node) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
    const isKeyword = node.kind === ts.SyntaxKind.AsyncKeyword || node.kind === ts.SyntaxKind.AwaitKeyword
    const isWord = ts.isIdentifier(node) && neverInAShard.has(node.text) && !excused.includes(node.text)
    if (isKeyword || isWord || ts.isAwaitExpression(node)) {
      found.push(`${source.fileName}:${line + 1}: ${node.getText().slice(0, 40)}`)
    }
  })
  return found
}

test('of npm, a shard reaches koffi and lru-cache alone', () => {
  const { packages } = reach(entry)
  const npm = [...packages].filter(([name]) => !name.startsWith('node:'))
  assert.deepEqual(Object.fromEntries(npm), { koffi: 'src/net/sys.ts', 'lru-cache': 'src/cache/cache.ts' })
})

test('of Node, a shard reaches nothing that lives on its loop', () => {
  const { packages } = reach(entry)
  const node = [...packages].filter(([name]) => name.startsWith('node:')).map(([name, file]) => `${name} (${file})`)
  const allowed = /^node:(crypto|dgram|fs|module|net|os|url|worker_threads) /
  assert.deepEqual(
    node.filter((one) => !allowed.test(one)),
    [],
  )
})

test('nothing of our own that a shard reaches is asynchronous', () => {
  const { files } = reach(entry)
  assert.ok(files.has('src/engine/serve.ts') && files.has('src/upstream/forward.ts') && files.has('src/guard/rules.ts'))
  const found = [...files].filter((file) => !onNodesLoop.includes(file)).flatMap((file) => asynchronous(parsed(file)))
  assert.deepEqual(found, [])
})

test('the checker sees what it looks for', () => {
  const lines = [
    'async function f() {}',
    'const g = async () => 1',
    'await h()',
    'for await (const x of y) {}',
    'new Promise(() => {})',
    'setTimeout(f, 1)',
    'new WeakRef(x)',
    'new FinalizationRegistry(f)',
    'process.stdout.write(text)',
  ]
  for (const line of lines) assert.notDeepEqual(asynchronous(parsed('x.ts', line)), [], line)
  assert.deepEqual(asynchronous(parsed('x.ts', '// await a Promise\nconst text = "async"')), [])
})

test('an import of types alone is not followed, any other is', () => {
  const text = `import type { A } from './a.ts'
    export type { B } from './b.ts'
    import { type C } from './c.ts'
    type D = import('./d.ts').D
    export { E } from './e.ts'`
  const followed = importsOf(parsed('x.ts', text)).filter(({ typeOnly }) => !typeOnly)
  // `import { type C }` stays as an import of nothing (verbatimModuleSyntax), and so the file is loaded.
  assert.deepEqual(
    followed.map(({ specifier }) => specifier),
    ['./c.ts', './e.ts'],
  )
})

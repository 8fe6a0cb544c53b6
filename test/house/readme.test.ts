import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { parse as parseYaml } from 'yaml'
import { parseSettings } from '../../src/app/settings.ts'
import { formatProblems } from '../../src/config/problem.ts'
import { ruleNames } from '../../src/guard/rules.ts'
import { maybeAsk } from '../support/client.ts'
import { RCODES } from '../support/message.ts'
import { runCommand, startProgram, yaml } from '../support/program.ts'
import { openUpstream } from '../support/scene.ts'
import { anyAddress } from '../support/upstream.ts'
import { filesUnder } from './sources.ts'

const readme = readFileSync('README.md', 'utf8')
const pages = ['README.md', 'CHANGELOG.md', ...filesUnder('docs', '.md'), ...filesUnder('config', '.md')]
const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text as string)
const commands = blocks('sh').flatMap((block) => block.split('\n').filter((line) => line !== ''))

test('the configurations in the README are valid', () => {
  const examples = blocks('yaml')
  assert.ok(examples.length > 0)
  for (const text of examples) assert.equal(formatProblems(parseSettings(text, 'README.md').problems), '')
})

test('npm scripts that are named exist', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  const named = pages
    .flatMap((page) => [...readFileSync(page, 'utf8').matchAll(/npm run ([a-z:]+)/g)])
    .map(([, name]) => name as string)
  assert.ok(named.length >= 5)
  assert.deepEqual(
    named.filter((name) => !(name in scripts)),
    [],
  )
  for (const name of ['start', 'test', 'prepare']) assert.ok(name in scripts, name)
})

test('links lead somewhere', () => {
  const broken = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
      .map(([, to]) => join(dirname(page), to as string))
      .filter((to) => !existsSync(to))
      .map((to) => `${page}: ${to}`),
  )
  assert.deepEqual(broken, [])
})

test('metrics that are named exist, labels too', () => {
  const known = readFileSync('docs/metrics.md', 'utf8')
  const named = [...readme.matchAll(/\b((?:dnsweir|process)_[a-z_]+)(?:\{(\w+)="(\w+)"\})?/g)]
  assert.ok(named.length > 15)
  for (const [text, name, label, value] of named) {
    const row = known.split('\n').find((line) => line.startsWith(`| \`${name}\``))
    assert.ok(row !== undefined, `${text} is in docs/metrics.md`)
    if (label === undefined) continue
    assert.ok(row.includes(`\`${label}\``), `${text}: label ${label}`)
    const isListed = label === 'rule' ? ruleNames.includes(value as string) : row.includes(value as string)
    assert.ok(isListed, `${text}: value ${value}`)
  }
})

test('the table of rules is the list of rules', () => {
  const section = readme.slice(readme.indexOf('\n## The rules'), readme.indexOf('\n## Configure it'))
  const listed = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  assert.deepEqual(listed, ruleNames)
})

test('commands of the program that are shown can be run', async () => {
  const shown = commands
    .filter((line) => line.startsWith('node dist/cli/main.js '))
    .map((line) => line.split(' > ')[0]?.split(' ').slice(2) ?? [])
  assert.deepEqual(new Set(shown.map(([name]) => name)), new Set(['serve', 'check', 'explain', 'schema']))
  for (const args of shown) {
    if (args[0] === 'serve') continue
    const { code, stderr } = await runCommand(args)
    // The machine's own resolv.conf is not ours to judge: warnings may be there.
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
  }
})

test('what the README tries gives what it says', async (t) => {
  const upstream = await openUpstream(t, anyAddress)
  const program = await startProgram(
    t,
    {},
    {
      place: (folder, text) => {
        // The configuration that `npm start` serves, on ports that are free and with an upstream that is ours.
        const served = parseYaml(readFileSync('config/dnsweir.yaml', 'utf8')) as object
        const file = join(folder, 'dnsweir.yaml')
        writeFileSync(file, yaml({ ...served, ...(JSON.parse(text) as object), upstreams: [upstream.target] }))
        return file
      },
    },
  )
  const tried = commands.filter((line) => line.startsWith('dig @127.0.0.1 -p 1053 '))
  assert.ok(tried.length >= 4)
  for (const line of tried) {
    const [, words, expected] = /-p 1053 (.*?) +# ([A-Z]+):/.exec(line) ?? assert.fail(line)
    const [name, ...options] = (words as string).split(' ')
    const type = options.find((word) => /^(A|AAAA|TXT)$/.test(word)) ?? 'A'
    const message = await maybeAsk(program, name as string, type, {
      ...(options.includes('+tcp') && { transport: 'tcp' }),
      ...(options.includes('CH') && { class: 3 }),
      edns: { size: 1232 },
    })
    assert.equal(message?.rcode, RCODES[expected as keyof typeof RCODES], line)
  }
  const asked = upstream.asked.filter(({ name }) => name !== '.')
  assert.deepEqual(
    asked.map(({ name }) => name),
    ['www.example.com.'],
    'one question went upstream',
  )
})

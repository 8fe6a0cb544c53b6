import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { boolean, duration, either, integer, list, listShape, oneOf, text } from './field.ts'
import { parse } from './parse.ts'
import { formatProblems } from './problem.ts'
import type { ProblemCode } from './problem-codes.ts'
import { group, section } from './section.ts'
import { domain } from './values.ts'

const root = section('Settings of a test.', {
  count: integer({ default: 2, min: 1, max: 9, doc: 'How many.' }),
  wait: duration({ default: '30s', min: '1s', max: '1m', doc: 'How long.' }),
  names: either('auto', listShape(domain, 0, 3), { default: 'auto', doc: 'Which.' }),
  routes: list(section('One.', { zone: text(domain, { doc: 'Where.' }) }), { default: [], maxItems: 3, doc: 'All.' }),
  inner: group(
    section('Inside.', {
      fast: boolean({ default: true, doc: 'Whether.', unbuilt: (value) => value }),
      kind: oneOf(['red', 'green'], { default: 'red', doc: 'What.' }),
    }),
  ),
})

const defaults = { count: 2, wait: 30_000, names: 'auto', routes: [], inner: { fast: true, kind: 'red' } }

function read(input: string | Uint8Array) {
  return parse(root, input, 'f.yaml')
}

test('nothing said means all defaults, without a problem', () => {
  for (const input of ['', '\uFEFF', '# only a comment\n', '~', '---\n', 'inner:\n', '{}', new Uint8Array()]) {
    assert.deepEqual(read(input), { settings: defaults, problems: [] }, JSON.stringify(input))
  }
})

test('values are parsed', () => {
  const { settings } = read('\uFEFFwait: 2s\r\nnames: [A.example.]\nroutes: [{ zone: b }]\ninner: { kind: green }\n')
  const inner = { fast: true, kind: 'green' }
  assert.deepEqual(settings, { ...defaults, wait: 2000, names: ['a.example'], routes: [{ zone: 'b' }], inner })
})

/** Each input with all of its problems: code, line, column. */
const traps: readonly [string, string | Uint8Array, readonly [ProblemCode, number, number][]][] = [
  ['unknown key', 'conut: 3', [['unknown-key', 1, 1]]],
  ['unknown key inside', 'inner: { kind: red, kin: red }', [['unknown-key', 1, 21]]],
  [
    'several at once',
    'count: 0\nwait: 5\ninner:\n  kind: blue\n',
    [
      ['out-of-range', 1, 8],
      ['wrong-unit', 2, 7],
      ['not-one-of', 4, 9],
    ],
  ],
  [
    'below and above',
    'wait: 1ms\ncount: 10',
    [
      ['out-of-range', 1, 7],
      ['out-of-range', 2, 8],
    ],
  ],
  ['a fraction', 'count: 1.5', [['wrong-type', 1, 8]]],
  ['infinity', 'count: .inf', [['wrong-type', 1, 8]]],
  ['text for a number', 'count: "2"', [['wrong-type', 1, 8]]],
  ['a word of YAML 1.1', 'inner: { fast: yes }', [['wrong-type', 1, 16]]],
  ['no value', 'count:\nwait: 2s', [['wrong-type', 1, 1]]],
  ['missing key', 'routes:\n  - {}\n', [['missing-key', 2, 5]]],
  ['in a list', 'names:\n- a.example\n- "b b"\n', [['invalid-text', 3, 3]]],
  ['too many', 'names: [a, b, c, d]', [['out-of-range', 1, 8]]],
  [
    'too many blocks, one of them wrong, and the rest',
    'routes: [{ zone: a }, {}, { zone: c }, { zone: d }]\nnames: [a, b, c, d e]\ncount: 0',
    [
      ['out-of-range', 1, 9],
      ['missing-key', 1, 23],
      ['out-of-range', 2, 8],
      ['invalid-text', 2, 18],
      ['out-of-range', 3, 8],
    ],
  ],
  ['neither word nor list', 'names: 7', [['wrong-type', 1, 8]]],
  ['a block for a list', 'routes: { zone: a }', [['wrong-type', 1, 9]]],
  ['text for a block', 'inner: red', [['wrong-type', 1, 8]]],
  ['sequence at the top', '- a', [['not-a-mapping', 1, 1]]],
  ['text at the top', 'hello', [['not-a-mapping', 1, 1]]],
  [
    'duplicate key, and the rest',
    'count: 1\ncount: 2\nwiat: 1s',
    [
      ['duplicate-key', 2, 1],
      ['unknown-key', 3, 1],
    ],
  ],
  ['second document', 'count: 1\n---\ncount: 2\n', [['several-documents', 3, 1]]],
  ['tab', 'inner:\n\tfast: true\n', [['yaml-syntax', 2, 1]]],
  ['unclosed', 'names: [a', [['yaml-syntax', 1, 10]]],
  ['unknown tag', 'count: !secret 3', [['yaml-tag', 1, 8]]],
  ['unknown alias', 'count: 2\nwait: *w', [['yaml-alias', 2, 7]]],
  ['alias inside of its anchor', 'names: &a [*a]', [['yaml-alias', 1, 12]]],
  ['problem behind an alias', 'names: &n [x, "y y"]\nroutes: []\n', [['invalid-text', 1, 15]]],
  [
    'prototype keys',
    '__proto__: { count: 3 }\nconstructor: 1',
    [
      ['unknown-key', 1, 1],
      ['unknown-key', 2, 1],
    ],
  ],
  ['prototype keys inside', 'inner: { __proto__: { kind: green } }', [['unknown-key', 1, 10]]],
  ['key that is a list', '? [a]\n: 1', [['yaml-syntax', 1, 3]]],
  ['unquoted brackets', 'names: [[::]:53]', [['yaml-syntax', 1, 9]]],
  ['Latin-1', Buffer.from('count: 2\nnames: [b\xfccher]', 'latin1'), [['not-utf8', 2, 10]]],
  ['UTF-16', Buffer.from('\uFEFFcount: 2', 'utf16le'), [['not-utf8', 1, 1]]],
  ['too large', `#${'x'.repeat(2 ** 20)}`, [['file-too-large', 1, 1]]],
]

for (const [name, input, expected] of traps) {
  test(`trap: ${name}`, () => {
    const { settings, problems } = read(input)
    assert.equal(settings, undefined)
    assert.deepEqual(
      problems.map(({ code, line, column }) => [code, line, column]),
      expected,
      formatProblems(problems),
    )
  })
}

test('aliases and anchors that are sound are read', () => {
  const { settings } = read('names: &n [x.example]\nroutes: [{ zone: &z y }, { zone: *z }]\n')
  assert.deepEqual(settings?.routes, [{ zone: 'y' }, { zone: 'y' }])
})

test('alias bombs and towers of brackets end in one problem', { timeout: 60_000 }, () => {
  const levels = Array.from({ length: 30 }, (_, i) => `k${i + 1}: &k${i + 1} [${`*k${i},`.repeat(3)}]`)
  const bombs = [
    `k0: &k0 [x]\n${levels.join('\n')}`,
    `k0: &k0 [x]\nk: [${'*k0,'.repeat(20_000)}]`,
    '['.repeat(100_000),
    '{a: '.repeat(50_000),
    '- '.repeat(50_000),
  ]
  for (const bomb of bombs) {
    const { settings, problems } = read(bomb)
    assert.equal(settings, undefined)
    assert.equal(problems.length, 1)
    assert.match(problems[0]?.code ?? '', /^yaml-(alias|nesting)$/)
  }
})

test('a long file of something else ends soon', { timeout: 60_000 }, () => {
  const keys = Array.from({ length: 30_000 }, (_, i) => `key${i}: 1`).join('\n')
  const { problems } = read(keys)
  assert.ok(problems.length > 100 && problems.length <= 1000)
})

test('a suggestion names the nearest key, or the block where the key lives', () => {
  const suggestions = (input: string) => read(input).problems.map(({ suggestion }) => suggestion)
  assert.deepEqual(suggestions('conut: 3'), ['count'])
  assert.deepEqual(suggestions('kind: green'), ['inner.kind'])
  assert.deepEqual(suggestions('wait: 5'), ['5s'])
  assert.deepEqual(suggestions('names: a.example'), ['[a.example]'])
  assert.deepEqual(suggestions('zebra: 5'), [undefined])
})

test('messages say what was expected', () => {
  const [problem] = read('wait: 2h').problems
  assert.equal(problem?.message, 'wait is "2h"; expected a duration from 1s to 1m, such as 30s')
})

test('what is set and not built yet earns a warning, and nothing else does', () => {
  const { settings, problems } = read('inner:\n  fast: true\n')
  assert.ok(settings)
  assert.deepEqual(
    problems.map(({ code, severity, line, column }) => [code, severity, line, column]),
    [['no-effect-yet', 'warning', 2, 3]],
  )
  assert.deepEqual(read('inner: { fast: false }').problems, [])
})

test('cross-checks run beside other problems, but not on keys that have some', () => {
  const crossChecks = [
    {
      about: ['count'] as const,
      check: ({ count }: { count: number }, report: (path: string[], code: ProblemCode, message: string) => void) =>
        report(['count'], 'conflict', `said of ${count}`),
    },
  ]
  const codes = (input: string) => parse(root, input, 'f', crossChecks).problems.map(({ code }) => code)
  assert.deepEqual(codes('wait: 5\ncount: 3'), ['wrong-unit', 'conflict'])
  assert.deepEqual(codes('count: 30'), ['out-of-range'])
  assert.deepEqual(codes('count: 3\nnames: [a, b, c, d]'), ['conflict', 'out-of-range'])
})

test('no input throws', () => {
  const piece = fc.constantFrom(
    'count',
    'names',
    'inner',
    'routes',
    ': ',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '&a ',
    '*a',
    '!t ',
    '"',
    "'",
    '|',
    '>',
    '---\n',
    '#',
    ',',
    '?',
    '<<',
    '2s',
    '\t',
    '%',
    '\u0000',
    '\uD800',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const { settings, problems } = read(pieces.join(''))
      assert.equal(
        settings === undefined,
        problems.some(({ severity }) => severity === 'error'),
      )
    }),
    { numRuns: 2000, seed: 3 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => read(bytes) !== undefined),
    { numRuns: 500, seed: 3 },
  )
})

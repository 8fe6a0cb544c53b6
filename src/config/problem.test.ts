import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem, formatProblems, problemAt, sourceOf } from './problem.ts'

test('a problem shows its place, its line and a caret', () => {
  const source = sourceOf('a.yaml', 'one: 1\r\n\ttwo: x\r\n')
  const problem = problemAt(source, { line: 2, column: 7 }, 'wrong-type', 'two is "x"', { suggestion: '2' })
  assert.equal(formatProblem(problem), 'a.yaml:2:7: two is "x"; did you mean 2?\n  \ttwo: x\n  \t     ^')
})

test('a flag has no line', () => {
  const problem = problemAt(sourceOf('--listen', '::1'), { line: 0, column: 1 }, 'invalid-text', 'no port')
  assert.equal(formatProblem(problem), '--listen: no port\n  ::1\n  ^')
})

test('a long line is cut around the caret', () => {
  const problem = problemAt(sourceOf('f', `${'a'.repeat(500)}!`), { line: 1, column: 501 }, 'wrong-type', 'm')
  const [, shown = '', caret = ''] = formatProblem(problem).split('\n')
  assert.equal(shown.charAt(caret.indexOf('^')), '!')
  assert.ok(shown.length < 130)
})

test('nothing from the file reaches the terminal raw', () => {
  const text = 'a: "\u001b[31m\u2028\u202e\u0007"'
  const problem = problemAt(sourceOf('f\n', text), { line: 1, column: 1 }, 'wrong-type', text, { suggestion: '\u001b' })
  const lines = formatProblem(problem).split('\n')
  assert.equal(lines.length, 3)
  assert.doesNotMatch(lines.join(''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
})

test('errors come first, in the order of the file, and a flood is cut', () => {
  const source = sourceOf('f', 'x')
  const at = (line: number, severity: 'error' | 'warning') =>
    problemAt(source, { line, column: 1 }, 'wrong-type', `m${line}`, { severity })
  const text = formatProblems([at(1, 'warning'), at(3, 'error'), at(2, 'error')])
  assert.deepEqual(text.match(/m\d/g), ['m2', 'm3', 'm1'])
  assert.match(text, /f:1:1: warning: m1/)
  const flood = Array.from({ length: 250 }, (_, i) => at(i + 1, 'error'))
  assert.match(formatProblems(flood), /and 150 more problems$/)
})

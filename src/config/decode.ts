import { isUtf8 } from 'node:buffer'
import { type Problem, problemAt, sourceOf } from './problem.ts'

/** No real configuration comes near: 10,000 records are half of it. */
export const fileBytesMax = 2 ** 20

/** The bytes of a file as text without a byte order mark, or what is wrong with them. */
export function decode(input: string | Uint8Array, file: string): { text: string } | { problem: Problem } {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input
  if (bytes.length > fileBytesMax) {
    const message = `the file has ${bytes.length} bytes; at most ${fileBytesMax} are read`
    return { problem: problemAt(sourceOf(file, ''), { line: 1, column: 1 }, 'file-too-large', message) }
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    return { problem: firstBadByte(bytes, file) }
  }
}

function firstBadByte(bytes: Uint8Array, file: string): Problem {
  const lines = new TextDecoder().decode(bytes).split('\n')
  // The replacement character also stands for bytes that really spell it, so each line is tried strictly.
  const text = Buffer.from(bytes).toString('latin1').split('\n')
  const bad = Math.max(
    0,
    text.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1'))),
  )
  const column = (lines[bad] ?? '').indexOf('\uFFFD') + 1
  const source = { file, lines }
  return problemAt(source, { line: bad + 1, column: Math.max(1, column) }, 'not-utf8', 'this byte is not UTF-8 text')
}

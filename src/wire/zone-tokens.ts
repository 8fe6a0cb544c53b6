import { quoted } from './text.ts'

/**
 * One word of zone-file text, escapes still in it and quotes taken off. `form` says how it stood there: `word`,
 * `"string"`, or `key="value"` (SvcParams alone, RFC 9460 §2.1). Columns count characters of the whole text from 1.
 */
export interface Token {
  readonly text: string
  readonly form: 'word' | 'string' | 'keyValue'
  readonly column: number
}

/** What is wrong with the user's text, and where. Thrown within the zone-text files and caught at their exports. */
export class ZoneTextError extends Error {
  readonly column: number

  constructor(column: number, message: string) {
    super(message)
    this.column = column
  }
}

/**
 * Text of one record → its words (RFC 1035 §5.1). Parentheses join lines, `;` starts a comment. Throws ZoneTextError.
 */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let opened = 0
  let ended = false
  while (at < text.length) {
    const char = text[at] as string
    if (char === ';') at = endOfLine(text, at)
    else if (char === '(' || char === ')') opened = parenthesis(char)
    else if (char === '\n' && opened === 0) endRecord()
    else if (isSpace(char)) at++
    else word()
  }
  if (opened > 0) throw new ZoneTextError(opened, 'this "(" is never closed')
  return tokens

  /** The column of the parenthesis that is open now, or 0. One level: a single record has no use for more. */
  function parenthesis(char: string): number {
    at++
    if (char === '(' && opened > 0) throw new ZoneTextError(at, '"(" inside parentheses')
    if (char === ')' && opened === 0) throw new ZoneTextError(at, '")" without its "("')
    return char === '(' ? at : 0
  }

  function endRecord(): void {
    at++
    ended = tokens.length > 0
  }

  function word(): void {
    if (ended) throw new ZoneTextError(at + 1, 'a second record; join the lines of one by parentheses')
    const start = at
    if (text[at] === '"') {
      tokens.push({ text: string(), form: 'string', column: start + 1 })
      return
    }
    while (at < text.length && !isSpace(text[at] as string) && !'();"'.includes(text[at] as string)) {
      at += text[at] === '\\' ? 2 : 1
    }
    const plain = text.slice(start, at)
    if (text[at] !== '"') tokens.push({ text: plain, form: 'word', column: start + 1 })
    else if (!plain.endsWith('=')) throw new ZoneTextError(at + 1, `a quote inside the word ${quoted(plain)}`)
    else tokens.push({ text: plain + string(), form: 'keyValue', column: start + 1 })
  }

  function string(): string {
    const start = ++at
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    if (at >= text.length) throw new ZoneTextError(start, 'this quote is never closed')
    return text.slice(start, at++)
  }
}

const isSpace = (char: string): boolean => char === ' ' || char === '\t' || char === '\r' || char === '\n'

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

/** The words of one record, taken one by one; what is missing or left over is the user's error at its column. */
export class Tokens {
  private readonly tokens: readonly Token[]
  private readonly end: number
  private next = 0

  constructor(text: string) {
    this.tokens = tokensOf(text)
    this.end = text.length + 1
  }

  get peek(): Token | undefined {
    return this.tokens[this.next]
  }

  /** Column of the next word, or one past the text. */
  get column(): number {
    return this.peek?.column ?? this.end
  }

  take(what: string): Token {
    const token = this.peek
    if (token === undefined) throw new ZoneTextError(this.end, `${what} is missing`)
    this.next++
    return token
  }

  /** A word that stands without quotes. */
  takeWord(what: string): Token {
    const token = this.take(what)
    if (token.form !== 'word') throw new ZoneTextError(token.column, `${what} stands here without quotes`)
    return token
  }

  finish(): void {
    const token = this.peek
    if (token) throw new ZoneTextError(token.column, `${quoted(token.text)} is more than this record takes`)
  }
}

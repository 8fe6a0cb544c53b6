/** The words of one line, taken one after the other; what nobody takes is an error. */
import { type EdnsOption, nameBytes, typeNumber } from '../support/message.ts'
import { type Range, ScenarioError } from './scenario.ts'

export class Words {
  readonly file: string
  readonly line: number
  readonly text: string
  private readonly left: string[]

  constructor(file: string, line: number, text: string) {
    this.file = file
    this.line = line
    this.text = text
    this.left = text.trim().split(/ +/)
  }

  fail(sentence: string): never {
    throw new ScenarioError(this.file, this.line, sentence)
  }

  /** The next word. */
  take(what: string): string {
    return this.left.shift() ?? this.fail(`${what} is missing`)
  }

  /** The next word, unless the line is over or it is one of those with `=`. */
  maybe(): string | undefined {
    const [next] = this.left
    return next === undefined || next.includes('=') ? undefined : this.left.shift()
  }

  /** Whether the word stands anywhere in what is left. */
  flag(word: string): boolean {
    const at = this.left.indexOf(word)
    if (at >= 0) this.left.splice(at, 1)
    return at >= 0
  }

  /** `word` is true, `-word` false. */
  sign(word: string): boolean | undefined {
    if (this.flag(word)) return true
    return this.flag(`-${word}`) ? false : undefined
  }

  /** The value of `key=value`. */
  option(key: string): string | undefined {
    const at = this.left.findIndex((word) => word.startsWith(`${key}=`))
    return at < 0 ? undefined : (this.left.splice(at, 1)[0] as string).slice(key.length + 1)
  }

  /** All of them, where a key may come again. */
  options(key: string): string[] {
    const all: string[] = []
    for (let one = this.option(key); one !== undefined; one = this.option(key)) all.push(one)
    return all
  }

  number(text: string | undefined): number | undefined {
    if (text === undefined) return undefined
    return /^(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : this.fail(`"${text}" is no number`)
  }

  /** Milliseconds of `1800ms`, `30s`, `5m`, `1h`. */
  duration(text: string): number {
    const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
    if (unit === '') this.fail(`"${text}" is no time: 1800ms, 30s, 5m, 1h`)
    return Number(number) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] as number)
  }

  /** `3`, `1-4`, `>=2`, `<=9`. */
  range(text: string): Range {
    const [, sign, first = '', second] = /^(>=|<=)?(\d+(?:\.\d+)?)(?:-(\d+))?$/.exec(text) ?? []
    if (first === '' || (sign && second)) this.fail(`"${text}" is no count: 3, 1-4, >=2, <=9`)
    const least = Number(first)
    if (sign === '>=') return { least, most: Number.POSITIVE_INFINITY }
    if (sign === '<=') return { least: 0, most: least }
    return { least, most: second === undefined ? least : Number(second) }
  }

  type(text: string): number {
    try {
      return typeNumber(text)
    } catch {
      return this.fail(`"${text}" is no record type`)
    }
  }

  /** With its last dot. */
  name(text: string): string {
    const labels = text.split('.')
    if (text !== '.' && (nameBytes(text).length > 255 || labels.some((label) => label.length > 63))) {
      this.fail(`"${text}" is no name`)
    }
    return text.endsWith('.') ? text : `${text}.`
  }

  /** `8:0001` is an option of code 8 with two octets. */
  ednsOption(text: string): EdnsOption {
    const [, code = '', hex = ''] = /^(\d+):((?:[0-9a-f]{2})*)$/i.exec(text) ?? this.fail(`"${text}" is no option`)
    return { code: Number(code), data: Buffer.from(hex, 'hex') }
  }

  oneOf<T>(text: string, table: Readonly<Record<string, T>>): T {
    return table[text] ?? this.fail(`"${text}" is none of ${Object.keys(table).join(', ')}`)
  }

  /** What is left is taken by somebody who reads `text`. */
  skip(): void {
    this.left.length = 0
  }

  /** Nothing may be left. */
  end(): void {
    if (this.left.length > 0) this.fail(`"${this.left.join(' ')}" is not understood here`)
  }
}

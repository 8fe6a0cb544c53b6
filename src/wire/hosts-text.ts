import { addressFromText, nameFromText, quoted } from './text.ts'

/**
 * One line of a hosts file: an address of 4 or 16 bytes, and its names in wire form, the canonical one first. Lines
 * count from 1.
 */
export interface HostsEntry {
  readonly address: Uint8Array
  readonly names: readonly Uint8Array[]
  readonly line: number
}

/** What a line holds that is of no use; `message` is printable ASCII. */
export interface HostsProblem {
  readonly line: number
  readonly message: string
}

/**
 * The text of /etc/hosts (hosts(5)): `address name...`, `#` starts a comment. A bad line, or a bad name on a good one,
 * is reported and passed over; after 100 reports one last one counts the rest. Never throws.
 */
export function hostsFromText(text: string): { entries: HostsEntry[]; problems: HostsProblem[] } {
  const entries: HostsEntry[] = []
  const problems: HostsProblem[] = []
  let unsaid = 0
  const lines = text.replace(/^\ufeff/, '').split('\n')
  for (const [at, whole] of lines.entries()) {
    const [first, ...rest] = whole
      .replace(/#.*/s, '')
      .split(/[ \t\r\f\v]+/)
      .filter((word) => word !== '')
    if (first !== undefined) readLine(at + 1, first, rest)
  }
  if (unsaid > 0) problems.push({ line: lines.length, message: `${unsaid} more problems in this file` })
  return { entries, problems }

  function readLine(line: number, first: string, rest: readonly string[]): void {
    const address = addressFromText(first)
    if (address === undefined) report(line, `${quoted(first)} is not an IP address${scopeHint(first)}`)
    else if (rest.length === 0) report(line, `${quoted(first)} has no name beside it`)
    else {
      const names = rest.flatMap((word) => nameOf(line, word))
      if (names.length > 0) entries.push({ address, names, line })
    }
  }

  function nameOf(line: number, word: string): Uint8Array[] {
    const name = nameFromText(word)
    if (name && name.length > 1) return [name]
    report(line, `${quoted(word)} is not a host name`)
    return []
  }

  function report(line: number, message: string): void {
    if (problems.length < problemsMax) problems.push({ line, message })
    else unsaid++
  }
}

/** So that a file which is no hosts file at all (a binary, a log) costs neither memory nor a screenful of lines. */
const problemsMax = 100

/** A scope names an interface of this machine and means nothing to who asks over DNS. */
const scopeHint = (text: string): string => (text.includes('%') ? ': a %scope cannot be answered' : '')

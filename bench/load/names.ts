import { randomBytes } from 'node:crypto'

/**
 * What is asked. The stub upstream answers by the last label (see stub-answer): below `.org` nothing exists, from
 * `.silent` no answer comes, all else has an address.
 */
export interface Workload {
  /** Writes question number `index` (any integer ≥ 0), id 0, at `to[at]`; returns its length. */
  write(to: Uint8Array, at: number, index: number): number
}

export const workloads = {
  hits: 'cached: 60 % positive, 40 % NXDOMAIN',
  junk: 'names that a search list made, A and AAAA',
  misses: 'a new name each',
  silent: 'a new name each, which no upstream answers',
} as const

export type WorkloadName = keyof typeof workloads

export function workload(name: WorkloadName): Workload {
  switch (name) {
    case 'hits':
      return fixed(range(setSize).map((i) => question(`h${i}.${i % 10 < 6 ? 'bench.example' : 'example.org'}`, typeA)))
    case 'junk':
      return fixed(
        range(setSize).map((i) => {
          const user = `user${i >> 1}`
          return question(`${user}-svc.${user}.svc.cluster.local.example.org`, i % 2 === 0 ? typeA : typeAaaa)
        }),
      )
    case 'misses':
      return unique('bench.example')
    case 'silent':
      return unique('bench.silent')
  }
}

/** A query with RD for `name`, class IN, without EDNS (as glibc and musl ask), id 0. */
export function question(name: string, type: number): Uint8Array {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')])
  return Uint8Array.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, type >> 8, type & 0xff, 0, 1])
}

function fixed(questions: readonly Uint8Array[]): Workload {
  return {
    write(to, at, index) {
      const chosen = questions[index % questions.length] as Uint8Array
      to.set(chosen, at)
      return chosen.length
    },
  }
}

/** `<8 hex of this run><8 hex of the index>.<zone>`: no run repeats a name of another. */
function unique(zone: string): Workload {
  const template = question(`${randomBytes(4).toString('hex')}00000000.${zone}`, typeA)
  return {
    write(to, at, index) {
      to.set(template, at)
      for (let digit = 0; digit < 8; digit++) {
        to[at + digitsAt + digit] = hexDigits.charCodeAt((index >>> (28 - 4 * digit)) & 15)
      }
      return template.length
    },
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** Large enough that no CPU cache holds all of it by luck, small enough for dnsmasq's limit of 10,000. */
const setSize = 1000
const typeA = 1
const typeAaaa = 28
/** Behind the header, the length byte and the run's own eight digits. */
const digitsAt = 12 + 1 + 8
const hexDigits = '0123456789abcdef'

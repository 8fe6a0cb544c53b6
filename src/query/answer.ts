import { readU16 } from '../wire/header.ts'
import type { Rebuilt } from '../wire/rebuild.ts'
import type { LabelledName } from './name-set.ts'

/** What an answer answers; the cache's key is one. */
export interface Asked {
  /** Lower-case wire form. */
  readonly name: Uint8Array
  readonly nameLength: number
  readonly type: number
  /** Stands for the upstreams of its route (query/route). */
  readonly route: number
}

/**
 * What came back for a flight's question, cleaned (wire/rebuild) and not cached yet: a reusable view for the rules'
 * `checkAnswer`. Its records stand in `body`, those of the answer section first, then authority, then additional.
 */
export class Answer implements LabelledName {
  /** The question, lower case, wire form. */
  name: Uint8Array = empty
  nameLength = 0
  readonly labels = new Uint8Array(128)
  labelCount = 0
  /** The type that was looked up. */
  type = 0
  /** Stands for the upstreams that may have said it: the number of their route as in the cache's key (query/route). */
  route = 0
  rebuilt!: Rebuilt

  open(rebuilt: Rebuilt, { name, nameLength, type, route }: Asked): void {
    this.rebuilt = rebuilt
    this.name = name
    this.nameLength = nameLength
    this.type = type
    this.route = route
    this.labelCount = 0
    for (let at = 0; at < nameLength - 1; at += (name[at] as number) + 1) this.labels[this.labelCount++] = at
  }

  get body(): Uint8Array {
    return this.rebuilt.writer.body
  }

  /** Records in all sections. */
  get count(): number {
    return this.rebuilt.writer.count
  }

  typeOf(record: number): number {
    return readU16(this.body, (this.rebuilt.writer.ttlAt[record] as number) - 4)
  }

  /** Where the rdata of a record begins in `body`. */
  rdataAt(record: number): number {
    return (this.rebuilt.writer.ttlAt[record] as number) + 6
  }

  rdataLength(record: number): number {
    return readU16(this.body, (this.rebuilt.writer.ttlAt[record] as number) + 4)
  }
}

const empty = new Uint8Array(0)

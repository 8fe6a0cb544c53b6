import type { MessagePort } from 'node:worker_threads'
import { receiveMessageOnPort } from 'node:worker_threads'
import { hashBytes } from '../base/hash.ts'
import type { Cache } from '../cache/cache.ts'
import type { CacheKey } from '../cache/entry.ts'
import { emptyKey, keyOf } from '../cache/entry.ts'
import { kick } from '../link/kick.ts'
import { LEARNED, Packer, Unpacker } from '../link/packed.ts'
import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Sys } from '../net/sys.ts'

/** One message holds what a peer learned in a whole turn: a few of them are a turn's share. */
const messagesPerTurn = 4

interface Peer {
  readonly port: MessagePort
  readonly kickFd: number
}

/** Answers that one shard learned go to the others, as cache entries, in one message per turn: an answer serves the whole process. */
export class Learned {
  private readonly peers = new Map<number, Peer>()
  private readonly packer = new Packer()
  private readonly unpacker = new Unpacker()
  private readonly cache: Cache
  private readonly sys: Sys | undefined
  private readonly counters: Counters
  private readonly hashSeed: number
  private readonly key: CacheKey

  constructor(cache: Cache, sys: Sys | undefined, counters: Counters, hashSeed: number) {
    this.cache = cache
    this.sys = sys
    this.counters = counters
    this.hashSeed = hashSeed
    this.key = emptyKey()
  }

  /** Another shard, or its successor. */
  attach(shard: number, port: MessagePort, kickFd: number): void {
    this.peers.get(shard)?.port.close()
    this.peers.set(shard, { port, kickFd })
  }

  /** The entry just stored under `key` is for all. */
  share(key: CacheKey): void {
    if (this.peers.size === 0) return
    const entry = this.cache.export(key)
    if (entry === undefined) return
    if (this.packer.add(LEARNED, 0, 0, 0, entry, 0, entry.length)) return
    this.flush()
    this.packer.add(LEARNED, 0, 0, 0, entry, 0, entry.length)
  }

  /** What another shard sent. */
  take(message: ArrayBuffer): void {
    this.unpacker.start(message)
    while (this.unpacker.advance()) {
      if (this.unpacker.kind !== LEARNED) continue
      keyOf(this.unpacker.bytes, this.unpacker.at, this.key)
      this.key.hash = hashBytes(this.hashSeed, this.key.name, 0, this.key.nameLength)
      this.cache.import(this.unpacker.bytes, this.unpacker.at, this.unpacker.length, this.key)
      this.counters.add(metric.learned)
    }
  }

  /** Takes what waits on the ports, a bounded share; true when more may be left: the next turn is due at once. */
  receive(): boolean {
    let left = messagesPerTurn
    for (const { port } of this.peers.values()) {
      while (left > 0) {
        const received = receiveMessageOnPort(port)
        if (received === undefined) break
        this.take(received.message as ArrayBuffer)
        left--
      }
    }
    return left === 0
  }

  flush(): void {
    if (this.packer.isEmpty) return
    const message = this.packer.take()
    let left = this.peers.size
    for (const peer of this.peers.values()) {
      // The last one gets the buffer itself, the others a copy.
      const copy = --left === 0 ? message : message.slice(0)
      peer.port.postMessage(copy, [copy])
      kick(this.sys, peer.kickFd)
    }
  }
}

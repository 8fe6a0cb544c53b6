/** The few words that main and one worker share: whether to stop, and how often its turn has run. */
export class Control {
  readonly memory: SharedArrayBuffer
  /** Not 0: end at the next turn. Read by the reactor. */
  readonly stopFlag: Int32Array
  private readonly beat: Int32Array

  constructor(memory = new SharedArrayBuffer(bytes)) {
    this.memory = memory
    this.stopFlag = new Int32Array(memory, 0, 1)
    this.beat = new Int32Array(memory, 4, 1)
  }

  get beats(): number {
    return Atomics.load(this.beat, 0)
  }

  /** The worker's turn has run. */
  tick(): void {
    // One writer: a plain add is seen soon enough, and costs a turn nothing.
    this.beat[0] = (this.beat[0] as number) + 1
  }

  stop(): void {
    Atomics.store(this.stopFlag, 0, 1)
  }

  /** Before a successor starts. */
  reset(): void {
    Atomics.store(this.stopFlag, 0, 0)
  }
}

const bytes = 8

interface Open<A> {
  readonly resolve: (answer: A) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Questions to one worker that may overlap, told apart by a number. Late answers are nobody's any more. */
export class Inquiries<A extends { readonly id: number }> {
  private readonly open = new Map<number, Open<A>>()
  private last = 0

  /** Rejects with a sentence when no answer comes within `withinMs`. */
  ask(send: (id: number) => void, withinMs: number, whom: string): Promise<A> {
    const id = ++this.last
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.open.delete(id)
        reject(new Error(`${whom} did not answer within ${withinMs} ms`))
      }, withinMs)
      this.open.set(id, { resolve, reject, timer })
      send(id)
    })
  }

  answered(answer: A): void {
    this.take(answer.id)?.resolve(answer)
  }

  /** Nobody will answer what is open. */
  fail(error: Error): void {
    for (const id of [...this.open.keys()]) this.take(id)?.reject(error)
  }

  private take(id: number): Open<A> | undefined {
    const one = this.open.get(id)
    clearTimeout(one?.timer)
    this.open.delete(id)
    return one
  }
}

/** The way to upstreams over streams (`tcp://`, and TC from any other), which lives in another thread. */
export interface StreamedUpstream {
  /**
   * Hands a whole DNS message over; the id in it means nothing, connections have their own. The answer comes back to `Forward.receiveStreamed`
   * with the same token and generation, once. False when no credit is left.
   */
  ask(upstream: number, token: number, generation: number, bytes: Uint8Array, at: number, length: number): boolean
}

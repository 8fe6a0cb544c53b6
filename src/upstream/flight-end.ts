/** What the engine hears of a flight that it asked for. It hears of each flight's end exactly once, by `answered` or by `failed`. */
export interface FlightEnd {
  /**
   * The answer stands at `bytes[at … at + length)`: our question, sections that parse, any rcode. It is valid during the call; the
   * flight is closed after it. `upstream` is -1 when a reload took the one that answered away.
   */
  answered(flight: number, bytes: Uint8Array, at: number, length: number, upstream: number, now: number): void
  /**
   * The reply deadline of the earliest waiter has passed. The flight goes on; the engine answers those that are due and sets the
   * next deadline with `waitUntil`, or none.
   */
  overdue(flight: number, now: number): void
  /** Nobody answered. `reason` is one of FAIL_*; the flight is closed after the call. */
  failed(flight: number, reason: number, now: number): void
}

/** No answer in time: EDE 22, no reachable authority. */
export const FAIL_TIMEOUT = 1
/** The network said that nobody is there: EDE 23, network error. */
export const FAIL_NETWORK = 2
/** The only upstream loops, and its one attempt brought nothing. */
export const FAIL_LOOP = 3
/** A reload took its route away. */
export const FAIL_NONE = 4
/** There was no room for it in the packet budget of any upstream: EDE 23, and it may be asked again at once. */
export const FAIL_BUDGET = 5

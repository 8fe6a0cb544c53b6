/** A step of the road, alone, as often as it goes. `what` says which parameters the number stands for: others would lie. */
export interface Micro {
  readonly name: string
  readonly what: string
  /** One step. What it returns is looked at, so that no compiler can leave the work out. */
  step(): unknown
}

/** What a test opens is closed at its end, whatever else fails there. */
import type { ChildProcess } from 'node:child_process'
import type { TestContext } from 'node:test'

type Step = () => unknown

const steps = new WeakMap<TestContext, Step[]>()
const children = new Set<ChildProcess>()
let isWatching = false

/** Runs `step` when the test is over: the latest first, all of them, and the first failure is the test's. */
export function atEnd(t: TestContext, step: Step): void {
  const known = steps.get(t)
  if (known) {
    known.push(step)
    return
  }
  // One hook for all: Node 20 leaves out the hooks that come after one that throws.
  const all = [step]
  steps.set(t, all)
  t.after(async () => {
    const failures: unknown[] = []
    for (const one of all.reverse()) {
      try {
        await one()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  })
}

/** However this process ends, the child does not outlive it. */
export function endWithUs(child: ChildProcess): void {
  if (!isWatching) process.once('exit', endChildren)
  isWatching = true
  children.add(child)
  child.once('exit', () => children.delete(child))
}

function endChildren(): void {
  for (const child of children) child.kill('SIGKILL')
}

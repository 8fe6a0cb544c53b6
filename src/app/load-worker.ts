import { parentPort, workerData } from 'node:worker_threads'
import { load, SetupError, type Source } from './load.ts'
import type { Loaded } from './load-apart.ts'
import { machine } from './world.ts'

/** The loading thread's entry. */
function run(): Loaded {
  try {
    return { parsed: load(workerData as Source, machine) }
  } catch (error) {
    if (error instanceof SetupError) return { setupError: error.message }
    throw error
  }
}

parentPort?.postMessage(run())

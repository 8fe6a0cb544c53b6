import { Worker } from 'node:worker_threads'
import { SetupError } from '../threads/setup-error.ts'
import type { Loading, Source } from './load.ts'

/** What the loading thread sends back: settings and problems are plain data, local names shared memory, an unreadable file a sentence. */
export type Loaded = { readonly parsed: Loading } | { readonly setupError: string }

/**
 * V8 heap of the loading thread, MiB. The largest configuration allowed (1 MiB) needs 50; hosts files, which are
 * compiled here, 40 for each of their MiB.
 */
const heapMiB = 2048

/**
 * As `load`, in a thread of its own that ends with it: the YAML and schema libraries take 20 MiB that a program which reads its configuration once in months
 * must not keep. Rejects with SetupError when the file can't be read.
 */
export function loadApart(source: Source): Promise<Loading> {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  const worker = new Worker(new URL(`./load-worker${extension}`, import.meta.url), {
    workerData: source,
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: heapMiB },
  })
  return new Promise((resolve, reject) => {
    let loaded: Loaded | undefined
    worker.on('message', (message: Loaded) => {
      loaded = message
    })
    worker.on('error', (error: NodeJS.ErrnoException) => {
      const isTooMuch = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      reject(isTooMuch ? new SetupError(`the files take more than the ${heapMiB} MiB there are to read them`) : error)
    })
    // Only then its memory is given back, and what starts next grows into it.
    worker.on('exit', () => {
      if (loaded === undefined) reject(new Error('the loading thread ended without a word'))
      else if ('setupError' in loaded) reject(new SetupError(loaded.setupError))
      else resolve(loaded.parsed)
    })
  })
}

import { type FSWatcher, realpathSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { stampsOf } from './stillness.ts'

/** Editors and kubelet write in steps: a change is looked at when it has been quiet for this long. */
const quietMs = 150
/** Not every change makes an event (bind mounts, network file systems): files are looked at this often besides. */
const lookEveryMs = 5000

/**
 * Calls `changed` when one of the files is another one than before. It watches their directories, for what is replaced by a
 * rename (vim, ConfigMaps, whose files are links into a directory that is swapped) is lost to a watch on the file.
 */
export class FileWatch {
  private readonly changed: () => void
  private readonly more: () => string
  private files: readonly string[] = []
  private readonly watchers = new Map<string, FSWatcher>()
  private seen = ''
  private isHeld = false
  private quiet: NodeJS.Timeout | undefined
  private readonly timer: NodeJS.Timeout

  /** @param more anything else whose change counts, as text */
  constructor(changed: () => void, more: () => string) {
    this.changed = changed
    this.more = more
    this.timer = setInterval(() => this.look(), lookEveryMs)
    this.timer.unref()
  }

  /** The files from now on; the directories behind links may be others even where the files are the same. */
  follow(files: readonly string[]): void {
    if (files.join('\n') !== this.files.join('\n')) {
      this.files = files
      this.settle()
    }
    const directories = new Set(files.flatMap((file) => [dirname(file), dirname(realPath(file))]))
    for (const [directory, watcher] of this.watchers) {
      if (directories.has(directory)) continue
      watcher.close()
      this.watchers.delete(directory)
    }
    for (const directory of directories) if (!this.watchers.has(directory)) this.watch(directory)
  }

  /** What is there now counts as seen. */
  settle(): void {
    this.seen = this.fingerprint()
  }

  /** Reports nothing until `release`: what changes meanwhile is looked at by somebody else, or reported afterwards. */
  hold(): void {
    this.isHeld = true
  }

  release(): void {
    this.isHeld = false
  }

  close(): void {
    clearInterval(this.timer)
    clearTimeout(this.quiet)
    for (const watcher of this.watchers.values()) watcher.close()
    this.watchers.clear()
  }

  private watch(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => {
        clearTimeout(this.quiet)
        this.quiet = setTimeout(() => this.look(), quietMs)
      })
      // A directory that goes away, or a system without inotify left: looking every few seconds must do.
      watcher.on('error', () => {
        watcher.close()
        this.watchers.delete(directory)
      })
      this.watchers.set(directory, watcher)
    } catch {
      // As above.
    }
  }

  private look(): void {
    if (this.isHeld) return
    const now = this.fingerprint()
    if (now === this.seen) return
    this.seen = now
    this.changed()
  }

  private fingerprint(): string {
    return `${stampsOf(this.files)}\n${this.more()}`
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

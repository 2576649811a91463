import { MemoryStore, type SessionData } from 'express-session'

type Operation = 'get' | 'set' | 'destroy'
type Done = (error?: unknown) => void

/** A session store that fails on demand. */
export class FaultyStore extends MemoryStore {
  /** Checks whether an operation fails. Keys of this package begin with `express-relying-party:`. */
  fails: (operation: Operation, key: string) => boolean = () => false
  /** How often each operation was called. */
  readonly counts = { get: 0, set: 0, destroy: 0 }

  override get(sid: string, done: (error: unknown, session?: SessionData | null) => void): void {
    if (!this.#failed('get', sid, done)) super.get(sid, done)
  }

  override set(sid: string, session: SessionData, done?: Done): void {
    if (!this.#failed('set', sid, done)) super.set(sid, session, done)
  }

  override destroy(sid: string, done?: Done): void {
    if (!this.#failed('destroy', sid, done)) super.destroy(sid, done)
  }

  #failed(operation: Operation, key: string, done: Done | undefined): boolean {
    this.counts[operation] += 1
    const failed = this.fails(operation, key)
    if (failed) setImmediate(() => done?.(new Error('the store is down')))
    return failed
  }
}

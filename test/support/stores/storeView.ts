import { type MemoryStore, type SessionData, Store } from 'express-session'

type Operation = 'get' | 'set' | 'destroy'

/** One process's view of a shared session store. Each operation can be delayed before it runs. */
export class StoreView extends Store {
  readonly #shared: MemoryStore
  /** Delays an operation until the promise resolves. Keys of this package begin with `express-relying-party:`. */
  before: (operation: Operation, key: string) => Promise<void> | undefined = () => undefined

  constructor(shared: MemoryStore) {
    super()
    this.#shared = shared
  }

  override get(sid: string, done: (error: unknown, session?: SessionData | null) => void): void {
    this.#hold('get', sid, () => this.#shared.get(sid, done))
  }

  override set(sid: string, session: SessionData, done?: (error?: unknown) => void): void {
    this.#hold('set', sid, () => this.#shared.set(sid, session, done))
  }

  override destroy(sid: string, done?: (error?: unknown) => void): void {
    this.#hold('destroy', sid, () => this.#shared.destroy(sid, done))
  }

  #hold(operation: Operation, key: string, act: () => void): void {
    const held = this.before(operation, key)
    if (held) void held.then(act)
    else act()
  }
}

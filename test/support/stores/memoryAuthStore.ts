import type { AuthStore } from '../../../src/index.js'

/** An {@link AuthStore} in memory, independent of express-session. */
export class MemoryAuthStore implements AuthStore {
  readonly #entries = new Map<string, { value: string; until: number }>()

  /** Returns the stored values, expired or not. */
  values(): string[] {
    return [...this.#entries.values()].map(({ value }) => value)
  }

  keys(): string[] {
    return [...this.#entries.keys()]
  }

  get(key: string): Promise<string | undefined> {
    return Promise.resolve(this.#read(key))
  }

  set(key: string, value: string, ttl: number): Promise<void> {
    this.#entries.set(key, { value, until: Date.now() + ttl * 1000 })
    return Promise.resolve()
  }

  async add(key: string, value: string, ttl: number): Promise<boolean> {
    if (this.#read(key) !== undefined) return false
    await this.set(key, value, ttl)
    return true
  }

  async replace(key: string, expected: string, value: string, ttl: number): Promise<boolean> {
    if (this.#read(key) !== expected) return false
    await this.set(key, value, ttl)
    return true
  }

  remove(key: string, expected?: string): Promise<boolean> {
    const current = this.#read(key)
    if (current === undefined || (expected !== undefined && current !== expected)) return Promise.resolve(false)
    return Promise.resolve(this.#entries.delete(key))
  }

  #read(key: string): string | undefined {
    const entry = this.#entries.get(key)
    return entry && entry.until > Date.now() ? entry.value : undefined
  }
}

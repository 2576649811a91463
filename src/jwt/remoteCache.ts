import { LRUCache } from 'lru-cache'

/** How long a remote document is used. All times in seconds. */
export interface Freshness {
  /** A document younger than this is served without a request. */
  readonly fresh: number
  /** A document older than `fresh` is served up to this age while its endpoint fails. */
  readonly stale: number
  /** The least time between two requests that a failure or an unknown `kid` causes. */
  readonly cooldown: number
  /** The least time between two requests that fail while there is no document in hand. Default is `0`. */
  readonly retry?: number
}

/** Fresh for 10 minutes, served stale for 24 hours while the endpoint fails, asked again at most every 30 s. */
export const DEFAULT_FRESHNESS: Freshness = { fresh: 600, stale: 86_400, cooldown: 30 }

interface Entry<T> {
  value?: T
  fetchedAt: number
  failedAt: number
  failure?: unknown
  refetchedAt: number
  flight?: Promise<T>
}

/** Loads a document. It is given the one in hand, which the new one will replace. */
export type Load<T> = (previous: T | undefined) => Promise<T>

/**
 * Caches documents fetched from a provider: bounded in number, one request for any number of askers, stale documents
 * kept in use while the endpoint fails.
 */
export class RemoteCache<T extends object> {
  readonly #entries: LRUCache<string, Entry<T>>
  readonly #freshness: Freshness

  /** @param options.onEvicted - called with a document that was dropped for others */
  constructor(options: { max: number; freshness?: Freshness; onEvicted?: (value: T) => void }) {
    const { max, onEvicted } = options
    this.#entries = new LRUCache({
      max,
      ...(onEvicted ? { dispose: ({ value }: Entry<T>) => value && onEvicted(value) } : {}),
    })
    this.#freshness = options.freshness ?? DEFAULT_FRESHNESS
  }

  /** Returns the document under `key`, loading it when there is none or it is no longer fresh. */
  get(key: string, load: Load<T>): T | Promise<T> {
    const entry = this.#entry(key)
    const { fresh, stale, cooldown, retry = 0 } = this.#freshness
    const now = seconds()
    const usable = entry.value !== undefined && now - entry.fetchedAt < stale
    if (usable && now - entry.fetchedAt < fresh) return entry.value as T
    if (usable && now - entry.failedAt < cooldown) return entry.value as T
    if (!usable && now - entry.failedAt < retry) throw entry.failure
    return this.#load(entry, load).catch((error: unknown) => {
      if (usable) return entry.value as T
      throw error
    })
  }

  /**
   * Loads the document again because what was looked for is not in it, unless that was done within the cooldown.
   * Returns `undefined` when it was not loaded. Rejects when it cannot be loaded: what is in it is unknown then.
   */
  refetch(key: string, load: Load<T>): Promise<T> | undefined {
    const entry = this.#entry(key)
    if (entry.flight) return entry.flight
    if (seconds() - entry.refetchedAt < this.#freshness.cooldown) {
      return entry.failure === undefined ? undefined : Promise.reject(entry.failure as Error)
    }
    entry.refetchedAt = seconds()
    return this.#load(entry, load)
  }

  #entry(key: string): Entry<T> {
    let entry = this.#entries.get(key)
    if (!entry) {
      entry = { fetchedAt: -Infinity, failedAt: -Infinity, refetchedAt: -Infinity }
      this.#entries.set(key, entry)
    }
    return entry
  }

  #load(entry: Entry<T>, load: Load<T>): Promise<T> {
    entry.flight ??= load(entry.value)
      .then(
        (value) => {
          entry.value = value
          entry.fetchedAt = seconds()
          delete entry.failure
          return value
        },
        (error: unknown) => {
          entry.failedAt = seconds()
          entry.failure = error
          throw error
        },
      )
      .finally(() => {
        delete entry.flight
      })
    return entry.flight
  }
}

function seconds(): number {
  return Date.now() / 1000
}

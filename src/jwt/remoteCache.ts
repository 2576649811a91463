import { LRUCache } from 'lru-cache'

/** How long a remote document is used. All times in seconds. */
export interface Freshness {
  /** How long a document is used without a request. */
  readonly fresh: number
  /** How long a document is used while its endpoint fails. */
  readonly stale: number
  /** The minimum time between two requests caused by a failure or an unknown `kid`. */
  readonly cooldown: number
  /** The minimum time between two failing requests while no document is cached. Default is `0`. */
  readonly retry?: number
}

/** Fresh for 10 minutes, stale for 24 hours while the endpoint fails, with at most one retry in 30 seconds. */
export const DEFAULT_FRESHNESS: Freshness = { fresh: 600, stale: 86_400, cooldown: 30 }

interface Entry<T> {
  value?: T
  fetchedAt: number
  failedAt: number
  failure?: unknown
  refetchedAt: number
  request?: Promise<T>
}

/** Loads a document. `previous` is the cached one, which the new one will replace. */
type Load<T> = (previous: T | undefined) => Promise<T>

/**
 * Caches a bounded number of documents fetched from providers.
 *
 * Concurrent calls share one request. While an endpoint fails, its stale document stays in use.
 */
export class RemoteCache<T extends object> {
  readonly #entries: LRUCache<string, Entry<T>>
  readonly #freshness: Freshness

  /** @param options.onEvicted - called with a document that was evicted */
  constructor(options: { max: number; freshness?: Freshness; onEvicted?: (value: T) => void }) {
    const { max, onEvicted } = options
    this.#entries = new LRUCache({
      max,
      ...(onEvicted ? { dispose: ({ value }: Entry<T>) => value && onEvicted(value) } : {}),
    })
    this.#freshness = options.freshness ?? DEFAULT_FRESHNESS
  }

  /** Returns the document for `key`, loading it if there is none or it is no longer fresh. */
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
   * Loads the document again because something is missing from it, unless that was done within the cooldown.
   *
   * @returns `undefined` if it was not loaded; rejects if it cannot be loaded, since its content is then unknown
   */
  refetch(key: string, load: Load<T>): Promise<T> | undefined {
    const entry = this.#entry(key)
    if (entry.request) return entry.request
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
    entry.request ??= load(entry.value)
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
        delete entry.request
      })
    return entry.request
  }
}

function seconds(): number {
  return Date.now() / 1000
}

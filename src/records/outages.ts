import { LRUCache } from 'lru-cache'

/** How many token requests in a row must fail before a provider counts as down: one session may fail by itself. */
const FAILURES = 3

/** The time between two requests that probe a provider doubles from the first to the last of these. In seconds. */
const PROBES = { first: 1, last: 5 }

/** How many providers are remembered. */
const MAX_PROVIDERS = 1000

/** The answer to a session that is due for a token request. */
export type Permission = 'send' | 'probe' | Refusal

/** Nothing may be sent. */
export interface Refusal {
  /** In milliseconds since the epoch. */
  readonly until: number
  /** Resolves when the result of the probe is known, if there is one in progress. */
  readonly probing: Promise<void> | undefined
}

/** The token requests to one provider. All times in milliseconds since the epoch. */
interface Health {
  readonly failures: number
  /** Until when nothing is sent. `0` while the provider works. */
  readonly until: number
  readonly probe?: Probe
}

/** A request in progress that shows whether a provider works again. */
interface Probe {
  readonly known: Promise<void>
  readonly end: () => void
}

const HEALTHY: Health = { failures: 0, until: 0 }

/**
 * Knows which providers are down, as this process sees it. While one is, a single token request at a time finds out when
 * it works again, and then all sessions go on at once.
 */
export class Outages {
  readonly #providers = new LRUCache<string, Health>({ max: MAX_PROVIDERS })

  /** Returns whether a request may be sent to a provider. A `'probe'` keeps all others back for some seconds. */
  ask(provider: string): Permission {
    const { failures, until, probe } = this.#healthOf(provider)
    if (until === 0) return 'send'
    if (until > Date.now()) return { until, probing: probe?.known }
    probe?.end()
    this.#providers.set(provider, { failures, until: Date.now() + PROBES.last * 1000, probe: createProbe() })
    return 'probe'
  }

  succeeded(provider: string): void {
    const { probe } = this.#healthOf(provider)
    this.#providers.delete(provider)
    probe?.end()
  }

  /** Lets another session probe the provider, because this one had nothing to send after all. */
  giveBack(provider: string): void {
    const { failures, until, probe } = this.#healthOf(provider)
    if (until !== 0) this.#providers.set(provider, { failures, until: Date.now() })
    probe?.end()
  }

  /** @param probe - whether this was the request that probes the provider */
  failed(provider: string, probe: boolean): void {
    const { failures, until, probe: inProgress } = this.#healthOf(provider)
    // Requests that were in progress when it failed do not count again.
    if (until > Date.now() && !probe) return
    const count = failures + 1
    const wait = Math.min(PROBES.first * 2 ** (count - FAILURES), PROBES.last)
    this.#providers.set(provider, { failures: count, until: count < FAILURES ? 0 : Date.now() + wait * 1000 })
    inProgress?.end()
  }

  #healthOf(provider: string): Health {
    return this.#providers.get(provider) ?? HEALTHY
  }
}

function createProbe(): Probe {
  let end = () => {}
  const known = new Promise<void>((resolve) => {
    end = resolve
  })
  return { known, end }
}

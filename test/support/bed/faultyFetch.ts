type Fetch = typeof globalThis.fetch

/** A `fetch` that fails on demand and counts the token requests. */
export interface FaultyFetch {
  fetch: Fetch
  tokenRequests: number
  /** Answers, or fails, in place of the provider. */
  fault?: (url: URL) => globalThis.Response | undefined
}

export function faultyFetch(): FaultyFetch {
  const faults: FaultyFetch = {
    tokenRequests: 0,
    async fetch(input: URL | RequestInfo, init?: RequestInit) {
      const url = new URL(input instanceof globalThis.Request ? input.url : input)
      if (url.pathname === '/token') faults.tokenRequests += 1
      return faults.fault?.(url) ?? globalThis.fetch(input, init)
    },
  }
  return faults
}

import { KeyCache } from '../jwt/keyCache.js'
import { RemoteCache } from '../jwt/remoteCache.js'
import { createFetch } from '../lib/http/fetch.js'
import type { HttpLimits } from '../lib/http/httpOptions.js'
import type { ProviderServices } from './provider.js'

/** Who is told of documents that were fetched from a provider. */
export interface Listeners {
  readonly onDiscovered?: (issuer: string) => void
  readonly onKeysFetched?: (jwksUri: string, count: number) => void
}

/** How many providers' metadata are kept. */
const MAX_METADATA = 1000

/** Creates what providers share: one HTTP client, and the caches of metadata and keys. */
export function createProviderServices(
  http: HttpLimits,
  clockTolerance: number,
  { onDiscovered = () => {}, onKeysFetched }: Listeners = {},
): ProviderServices {
  const fetch = createFetch(http)
  return {
    fetch,
    metadata: new RemoteCache({ max: MAX_METADATA }),
    keys: new KeyCache({ fetch, ...(onKeysFetched ? { onFetched: onKeysFetched } : {}) }),
    clockTolerance,
    timeout: http.timeout,
    onDiscovered,
  }
}

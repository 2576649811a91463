import { KeyCache } from '../jwt/keyCache.js'
import { RemoteCache } from '../jwt/remoteCache.js'
import { defined } from '../lib/defined.js'
import { createFetch } from '../lib/http/fetch.js'
import type { HttpLimits } from '../lib/http/httpOptions.js'
import type { ProviderServices } from './provider.js'

/** Callbacks for documents that were fetched from a provider. */
interface Listeners {
  readonly onDiscovered?: (issuer: string) => void
  readonly onKeysFetched?: (jwksUri: string, count: number) => void
}

/** How many metadata documents are cached. */
const MAX_METADATA = 1000

/** Creates the services that providers share: an HTTP client, and caches of metadata and keys. */
export function createProviderServices(
  http: HttpLimits,
  clockTolerance: number,
  { onDiscovered = () => {}, onKeysFetched }: Listeners = {},
): ProviderServices {
  const fetch = createFetch(http)
  return {
    fetch,
    metadata: new RemoteCache({ max: MAX_METADATA }),
    keys: new KeyCache(defined({ fetch, onFetched: onKeysFetched })),
    clockTolerance,
    timeout: http.timeout,
    onDiscovered,
  }
}

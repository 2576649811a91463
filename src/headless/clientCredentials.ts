import { createHash } from 'node:crypto'
import { configurationError, storeError } from '../errors.js'
import {
  assertOptions,
  object,
  requireOption,
  resourceIndicators,
  type Shape,
  secrets,
  stringOrStrings,
} from '../lib/check.js'
import { toList } from '../lib/list.js'
import { createSealer } from '../lib/seal.js'
import { requestClientCredentials } from '../protocol/clientCredentials.js'
import type { AuthStore } from '../records/authStore.js'
import { CLIENT_SHAPE, type ClientOptions, resolveClient } from './clientOptions.js'
import { type AccessTokenSource, type HeldToken, hold, type TokenShelf, TokenSource } from './tokenSource.js'

/** Options of {@link clientCredentials}. */
export interface ClientCredentialsOptions extends ClientOptions {
  /** The scopes asked for. Default is none: the provider decides. */
  scope?: string | readonly string[]
  /**
   * The API, or several, that the token is for: absolute URIs.
   *
   * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)
   */
  resource?: string | readonly string[]
  /** Shares the token between processes. Default is one in each process. */
  store?: AuthStore
  /** Encrypts the token in the `store`, which needs it: at least 32 characters. Several to rotate. */
  secret?: string | readonly string[]
}

const SHAPE: Shape<ClientCredentialsOptions> = {
  ...CLIENT_SHAPE,
  scope: stringOrStrings,
  resource: resourceIndicators,
  store: object,
  secret: secrets,
}

/**
 * Gets access tokens for the application itself, with no user: the client credentials grant.
 *
 * The token is kept until shortly before it expires. Any number of callers make one request; failures are not kept.
 * Nothing is sent before the first token is needed.
 *
 * @throws `ERR_CONFIGURATION` at construction
 * @see [RFC 6749 §4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)
 *
 * @example
 * ```ts
 * const reports = clientCredentials({ provider: { issuer, clientId, clientSecret }, scope: 'reports:read' })
 * const response = await reports.fetch('https://api.example.com/reports')
 * ```
 */
export function clientCredentials(options: ClientCredentialsOptions): AccessTokenSource {
  assertOptions<ClientCredentialsOptions>(options, 'clientCredentials', SHAPE)
  requireOption(options, 'clientCredentials', 'provider', 'write { issuer, clientId, clientSecret }')
  const client = resolveClient(options, 'clientCredentials')
  const { provider, refreshBefore } = client
  if (provider.options.clientAuth === 'none') {
    throw configurationError(
      'clientCredentials.provider.clientAuth',
      'is none',
      'only a client with a secret has this grant',
    )
  }
  const asked = { scope: toList(options.scope ?? []).join(' '), resource: toList(options.resource ?? []) }
  const key = `client:${createHash('sha256')
    .update(JSON.stringify([provider.registration, asked]))
    .digest('base64url')}`
  const shelf = createShelf(options, key)
  const source = new TokenSource(async () => hold(await requestClientCredentials(provider, asked), refreshBefore), {
    ...client,
    ...(shelf ? { shelf } : {}),
  })
  return { getAccessToken: () => source.getAccessToken(), fetch: (url, init) => source.fetch(url, init) }
}

/** A token on the shelf is sealed: whoever reads the store does not get at it. */
function createShelf({ store, secret }: ClientCredentialsOptions, key: string): TokenShelf | undefined {
  if (!store) return undefined
  if (!secret)
    throw configurationError('clientCredentials.secret', 'is missing', 'a token in a store is encrypted with it')
  const sealer = createSealer([secret].flat())
  return {
    async read() {
      const sealed = await store.get(key).catch(rethrow)
      const opened = sealed === undefined ? undefined : sealer.unseal('client-token', key, sealed)
      return opened && (JSON.parse(opened.toString('utf8')) as HeldToken)
    },
    async write(token) {
      const ttl = Math.max(1, Math.ceil(token.expiresAt - Date.now() / 1000))
      await store.set(key, sealer.seal('client-token', key, JSON.stringify(token)), ttl).catch(rethrow)
    },
  }
}

function rethrow(error: unknown): never {
  throw storeError(error)
}

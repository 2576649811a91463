import { createHash } from 'node:crypto'
import { configurationError } from '../errors.js'
import {
  assertOptions,
  object,
  requireOption,
  resourceIndicators,
  type Shape,
  secrets,
  stringOrStrings,
} from '../lib/check.js'
import { defined } from '../lib/defined.js'
import { toList } from '../lib/list.js'
import { createSealer } from '../lib/seal.js'
import { requestClientCredentials } from '../protocol/clientCredentials.js'
import { type AuthStore, withStoreErrors } from '../records/authStore.js'
import { CLIENT_SHAPE, type ClientOptions, resolveClient } from './clientOptions.js'
import { type AccessTokenSource, type HeldToken, hold, TokenSource, type TokenStorage } from './tokenSource.js'

/** Options of {@link clientCredentials}. */
export interface ClientCredentialsOptions extends ClientOptions {
  /** The scopes to request. Default is none: the provider decides. */
  scope?: string | readonly string[]
  /**
   * The API or APIs that the token is for, as absolute URIs.
   *
   * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)
   */
  resource?: string | readonly string[]
  /** Shares the token between processes. Default is a separate token in each process. */
  store?: AuthStore
  /** Encrypts the token; required with `store`. At least 32 random characters. Pass several to rotate: the first encrypts, all decrypt. */
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
 * Gets access tokens for the application itself, without a user: the client credentials grant.
 *
 * A token is cached until shortly before it expires. Concurrent callers share one request; failures are not cached.
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
  requireOption(options, 'clientCredentials', 'provider', 'set { issuer, clientId, clientSecret }')
  const client = resolveClient(options, 'clientCredentials')
  const { provider, refreshBefore } = client
  if (provider.options.clientAuth === 'none') {
    const fix = 'set clientSecret: this grant requires client authentication'
    throw configurationError('clientCredentials.provider.clientAuth', 'is none', fix)
  }
  const requested = { scope: toList(options.scope ?? []).join(' '), resource: toList(options.resource ?? []) }
  const key = `client:${createHash('sha256')
    .update(JSON.stringify([provider.registration, requested]))
    .digest('base64url')}`
  const storage = createStorage(options, key)
  const source = new TokenSource(async () => hold(await requestClientCredentials(provider, requested), refreshBefore), {
    ...client,
    ...defined({ storage }),
  })
  return { getAccessToken: () => source.getAccessToken(), fetch: (url, init) => source.fetch(url, init) }
}

/** Seals the token in the store, where it cannot be read without the secret. */
function createStorage({ store: given, secret }: ClientCredentialsOptions, key: string): TokenStorage | undefined {
  if (!given) return undefined
  if (!secret) {
    throw configurationError('clientCredentials.secret', 'is missing', 'set it: it encrypts the token in the store')
  }
  const store = withStoreErrors(given)
  const sealer = createSealer([secret].flat())
  return {
    async read() {
      const sealed = await store.get(key)
      const opened = sealed === undefined ? undefined : sealer.unseal('client-token', key, sealed)
      return opened && (JSON.parse(opened.toString('utf8')) as HeldToken)
    },
    async write(token) {
      const ttl = Math.max(1, Math.ceil(token.expiresAt - Date.now() / 1000))
      await store.set(key, sealer.seal('client-token', key, JSON.stringify(token)), ttl)
    },
  }
}

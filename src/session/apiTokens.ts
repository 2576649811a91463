import type { AccessTokenRequest } from '../auth.js'
import { configurationError, RelyingPartyError } from '../errors.js'
import { assertOptions, boolean, resourceIndicators, type Shape, stringOrStrings } from '../lib/check.js'
import { defined } from '../lib/defined.js'
import type { SendOptions } from '../lib/http/httpOptions.js'
import { toList } from '../lib/list.js'
import type { IdTokenClaims } from '../protocol/idToken.js'
import { exchangeToken } from '../protocol/tokenExchange.js'
import { DEFAULT_LIFETIME, prepareRefresh, refreshTokens, type TokenScope, type TokenSet } from '../protocol/tokens.js'
import type { Provider } from '../provider/provider.js'
import type { ResourceToken, TokenRecord, Tokens } from '../records/record.js'
import type { TokenRecords } from '../records/records.js'
import type { RefreshGoal, RefreshRequest } from '../records/refreshRequest.js'
import { withEnd } from './tokenRefresh.js'

/** How many tokens for other APIs a session holds. Beyond that, the one that expires first is dropped. */
const MAX_TOKENS = 10

const SHAPE: Shape<AccessTokenRequest> = {
  resource: resourceIndicators,
  scope: stringOrStrings,
  forceRefresh: boolean,
}

/** Returns the scope of the requested token, or `undefined` for the session's own token. @throws `ERR_CONFIGURATION` */
export function toTokenScope(request: AccessTokenRequest): TokenScope | undefined {
  assertOptions<AccessTokenRequest>(request, 'getAccessToken', SHAPE)
  const resource = toList(request.resource ?? []).sort()
  const scope = toList(request.scope ?? []).sort()
  return resource.length + scope.length === 0 ? undefined : { resource, scope: scope.join(' ') }
}

/**
 * Checks, before anything is sent, that the refresh token can get the requested token: some providers consume a refresh
 * token even when they refuse the request.
 *
 * @throws `ERR_NO_ACCESS_TOKEN`, `ERR_CONFIGURATION`
 */
export function requireRefreshable(record: TokenRecord, { options }: Provider, { resource }: TokenScope): void {
  if (!record.refreshable) {
    throw new RelyingPartyError(
      'ERR_NO_ACCESS_TOKEN',
      'getting a token for another API or scope requires a refresh token, and the session has none',
      { hint: 'request a refresh token, often with the scope offline_access, or set tokenExchange' },
    )
  }
  if (options.resource.length > 0 && !resource.every((uri) => options.resource.includes(uri))) {
    throw configurationError(
      'getAccessToken.resource',
      'was not requested at login',
      "add it to the provider's resource",
    )
  }
}

/**
 * Returns the goal that a record holds the requested token, valid for more than `before` seconds.
 *
 * @param refused - a record whose token must be replaced, even though it has not expired
 */
export function resourceGoal(
  records: TokenRecords,
  asked: TokenScope,
  before: number,
  refused?: TokenRecord,
): RefreshGoal {
  const key = keyOf(asked)
  const heldBy = (record: TokenRecord) => records.unseal(record)?.resourceTokens?.[key]
  const old = refused && heldBy(refused)?.accessToken
  return {
    key: old === undefined ? key : `${key} other than ${old}`,
    ofSession: false,
    isMet(record) {
      const held = heldBy(record)
      if (!held || held.accessToken === old) return false
      const left = held.expiresAt - Date.now() / 1000
      return left > Math.min(before, held.lifetime / 2)
    },
  }
}

/** Returns the request for the token, which is added to the tokens of the session. */
export function resourceTokenRequest(provider: Provider, asked: TokenScope): RefreshRequest {
  return {
    prepare: () => prepareRefresh(provider),
    async send(record, current, sending) {
      const { tokens, claims } = await request(provider, asked, record, current, sending)
      const rotated = provider.options.tokenExchange ? undefined : tokens.refreshToken
      return {
        fields: withEnd(record, claims),
        tokens: {
          ...current,
          ...defined({ refreshToken: rotated }),
          resourceTokens: withToken(current.resourceTokens, keyOf(asked), tokens),
        },
      }
    },
  }
}

/** Returns the requested token from a record that holds it. The provider may have granted more scopes. */
export function readResourceToken(records: TokenRecords, record: TokenRecord, asked: TokenScope): string {
  const held = records.unseal(record)?.resourceTokens?.[keyOf(asked)]
  if (held) return held.accessToken
  throw new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', 'the session changed while a token was requested for it')
}

async function request(
  provider: Provider,
  asked: TokenScope,
  record: TokenRecord,
  { accessToken = '', refreshToken = '' }: Tokens,
  sending: SendOptions,
): Promise<{ tokens: TokenSet; claims?: IdTokenClaims }> {
  if (provider.options.tokenExchange) return { tokens: await exchangeToken(provider, accessToken, asked, sending) }
  return refreshTokens(provider, { refreshToken, scopes: record.scopes }, record, asked, sending)
}

function withToken(held: Tokens['resourceTokens'], key: string, tokens: TokenSet): Record<string, ResourceToken> {
  const now = Date.now() / 1000
  const lifetime = tokens.expiresIn ?? DEFAULT_LIFETIME
  const others = Object.entries(held ?? {})
    .filter(([name, { expiresAt }]) => name !== key && expiresAt > now)
    .sort(([, a], [, b]) => b.expiresAt - a.expiresAt)
    .slice(0, MAX_TOKENS - 1)
  const { accessToken, scopes } = tokens
  return { ...Object.fromEntries(others), [key]: { accessToken, scopes, lifetime, expiresAt: now + lifetime } }
}

function keyOf({ resource, scope }: TokenScope): string {
  return JSON.stringify([resource, scope])
}

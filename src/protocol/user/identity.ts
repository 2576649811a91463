import type { Claims } from '../../auth.js'
import { RelyingPartyError } from '../../errors.js'
import { isTooDeep } from '../../lib/json.js'
import type { Profile } from '../../provider/profile.js'
import type { Provider } from '../../provider/provider.js'
import { translateError } from '../../provider/translate.js'
import type { Authentication } from '../authentication.js'
import type { IdTokenClaims } from '../idToken.js'
import { profileFetch } from './profileFetch.js'
import { fetchUserInfo } from './userInfo.js'

/** Who signs in. */
export interface Identity {
  /** The claims of ID token, UserInfo and `profile`. `iss` and `sub` identify the account. */
  readonly claims: Claims & { readonly iss: string; readonly sub: string }
  /** The provider's answer as `profile` returned it, or that of the UserInfo endpoint. */
  readonly raw: unknown
}

/** The parameters of an authorization response. From the browser, unverified. */
type Parameters = Readonly<Record<string, string>>

/** The longest accepted subject. In characters. OpenID Connect Core §2 limits it to 255. */
const MAX_SUBJECT = 1024

/** The longest accepted claims of a profile, which the session stores. In characters of JSON. */
const MAX_CLAIMS = 65_536

/**
 * Finds out who signs in: the ID token says it, UserInfo (if the option `userInfo` is set) and `profile` add to it. For an
 * OAuth 2.0 provider, `profile` says it.
 *
 * @throws `ERR_USERINFO_INVALID`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_LOGIN_REFUSED` and what else `profile` throws of this
 *   package
 */
export async function identify(
  provider: Provider,
  { claims: verified, tokens }: Authentication,
  parameters: Parameters = {},
): Promise<Identity> {
  const { profile, userInfo, issuer } = provider.options
  const { accessToken, response: tokenResponse = {} } = tokens
  const fetched =
    userInfo && verified && accessToken !== undefined
      ? await fetchUserInfo(provider, accessToken, verified.sub)
      : undefined
  const known = { ...fetched, ...(verified ? withoutExchange(verified) : {}) }
  if (!profile) return { claims: { ...known, ...accountOf(verified, issuer) }, raw: fetched }
  const fetches = profileFetch(provider, accessToken)
  const found = await read(provider, accessToken, async () =>
    profile({ accessToken, claims: known, tokenResponse, parameters, ...fetches }),
  )
  const added = present(found.claims)
  // What a user may have written into a profile must not choose the issuer.
  const claims = { ...known, ...added, ...accountOf(verified ?? withoutIssuer(added), issuer) }
  return { claims, raw: found.raw ?? fetched }
}

/**
 * Asks an OAuth 2.0 provider for the claims of the user again.
 *
 * @throws `ERR_USERINFO_INVALID`, also if the user is another; `ERR_PROVIDER_UNAVAILABLE`
 */
export async function fetchProfile(provider: Provider, accessToken: string, subject: string): Promise<Claims> {
  const tokens = { accessToken, scopes: [] }
  const { claims } = await identify(provider, { claims: undefined, tokens })
  if (claims.sub === subject) return claims
  throw new RelyingPartyError('ERR_USERINFO_INVALID', 'the profile is that of another user', {
    cause: { claim: 'sub', expected: subject, actual: claims.sub },
  })
}

/** Calls `profile`. Its errors become those of this package, without secrets. */
async function read(
  provider: Provider,
  accessToken: string | undefined,
  call: () => Promise<Profile>,
): Promise<Profile> {
  try {
    const found: unknown = await call()
    const claims = typeof found === 'object' && found !== null && 'claims' in found ? found.claims : undefined
    if (typeof claims !== 'object' || claims === null) throw new TypeError('profile() returned no claims')
    if (JSON.stringify(claims).length > MAX_CLAIMS)
      throw new RangeError('profile() returned more than 64 KiB of claims')
    if (isTooDeep(claims)) throw new RangeError('profile() returned claims that are nested too deeply')
    return found as Profile
  } catch (error) {
    throw translateError(error, 'ERR_USERINFO_INVALID', 'the profile request', provider.errorContext(accessToken))
  }
}

/** Omits members without a value, which many APIs send as `null`. */
function present(claims: Claims): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined && value !== null))
}

function accountOf({ iss, sub }: Claims = {}, issuer: string): { iss: string; sub: string } {
  if (typeof sub === 'string' && sub !== '' && sub.length <= MAX_SUBJECT) return { iss: iss ?? issuer, sub }
  throw new RelyingPartyError('ERR_USERINFO_INVALID', 'the profile does not say who the user is', {
    cause: { claim: 'sub' },
    hint: 'profile() must return sub, a non-empty string: write String(user.id) for a number',
  })
}

function withoutIssuer({ iss: _iss, ...claims }: Claims): Claims {
  return claims
}

/** Omits the claims about the token exchange, which are of no use after verification. */
function withoutExchange(claims: IdTokenClaims): IdTokenClaims {
  const { nonce: _n, at_hash: _a, c_hash: _c, s_hash: _s, ...rest } = claims
  return rest
}

import { createHash } from 'node:crypto'
import type { Request, RequestHandler } from 'express'
import { RelyingPartyError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import { type Logout, unverifiedParties, verifyLogoutToken } from '../protocol/logoutToken.js'
import type { Provider } from '../provider/provider.js'
import { readRequestParameters } from '../request/parameters.js'
import { assertMethod } from '../request/refusals.js'
import { type SessionCaller, sessionMiddleware } from '../session/sessionCaller.js'
import { endSid, endSubject, endWithoutSid } from './endSessions.js'

/**
 * Receives a logout token from the provider's server, and ends the user's sessions here, at once and in every process.
 *
 * With `sid`, it ends the sessions that were opened from that session at the provider, and those of `sub` whose ID token
 * had no `sid`, since any of them may belong to it. Without `sid`, it ends all sessions of `sub` at that provider.
 *
 * A logout token is accepted once, and only if every check passes. The response is 200, or an error with status 400, after
 * which the provider may try again. Register the route's URL as the `backchannel_logout_uri`. It needs no body parser.
 *
 * @throws at a request: `ERR_LOGOUT_TOKEN_INVALID`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE`,
 *   `ERR_BODY_TOO_LARGE`
 * @see [OpenID Connect Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html)
 *
 * @example
 * ```ts
 * app.post('/backchannel-logout', backchannelLogout())
 * ```
 */
export function backchannelLogout(): RequestHandler
export function backchannelLogout(mounted?: unknown): RequestHandler {
  assertNotMounted('backchannelLogout', mounted)
  return sessionMiddleware('backchannelLogout()', async (caller, req, res) => {
    res.set('Cache-Control', 'no-store')
    assertMethod(req, ['POST'], 'ERR_LOGOUT_TOKEN_INVALID', 'app.post(path, backchannelLogout())')
    const token = (await readRequestParameters(req, 'ERR_LOGOUT_TOKEN_INVALID')).get('logout_token')
    if (!token) {
      throw new RelyingPartyError('ERR_LOGOUT_TOKEN_INVALID', 'the request has no logout token', {
        hint: 'the form parameter logout_token is missing: only the provider should send requests to this route',
      })
    }
    const provider = await findProvider(caller, req, token)
    await carryOut(caller, req, provider, await verifyLogoutToken(provider, token))
    res.status(200).end()
  })
}

/** Finds the provider by the token's unverified `iss`, and by `aud` if several clients share that issuer. */
async function findProvider({ config }: SessionCaller, req: Request, token: string): Promise<Provider> {
  const { iss, aud } = unverifiedParties(token)
  const clientIds = aud.filter((one) => typeof one === 'string')
  const candidates = await config.providers.ofIssuer(req, iss, clientIds)
  const provider = candidates.find(({ options }) => clientIds.includes(options.clientId)) ?? candidates[0]
  if (provider) return provider
  throw new RelyingPartyError('ERR_LOGOUT_TOKEN_INVALID', 'the logout token is from an unknown issuer', {
    cause: { claim: 'iss', actual: iss },
    hint: config.providers.source === 'resolver' ? RESOLVER_HINT : ISSUER_HINT,
  })
}

const ISSUER_HINT =
  'compare iss of the token with the issuer options of the configured providers, including a trailing slash'

const RESOLVER_HINT =
  'relyingParty.provider returned another provider for this request, which comes without a session: if the function gets a ' +
  'second argument, { issuer, clientIds }, it has to choose by that'

/**
 * Ends the sessions, then marks the token as used: if the process dies in between, the provider can send the token again.
 * The other way round, the sessions would never end.
 */
async function carryOut(caller: SessionCaller, req: Request, provider: Provider, logout: Logout): Promise<void> {
  const { store } = caller.services
  const { jti, sid, subject, issuedAt, usableUntil } = logout
  const key = `jti:${createHash('sha256').update(`${provider.registration}\0${jti}`).digest('base64url')}`
  if ((await store.get(key)) !== undefined) throw replayed()
  if (sid !== undefined) {
    if (subject !== undefined) await endWithoutSid(caller, req, provider, subject, issuedAt)
    await endSid(caller, req, provider, sid, issuedAt, 'backchannel_logout')
  } else if (subject !== undefined) {
    await endSubject(caller, req, provider, subject, 'backchannel_logout', issuedAt)
  }
  const ttl = Math.max(1, Math.ceil(usableUntil - Date.now() / 1000))
  if (!(await store.add(key, 'used', ttl))) throw replayed()
}

function replayed(): RelyingPartyError {
  return new RelyingPartyError('ERR_LOGOUT_TOKEN_INVALID', 'the logout token was already used', {
    cause: { claim: 'jti' },
    hint: 'the provider sent it again after a 200, which requires a new jti, or someone is replaying it',
  })
}

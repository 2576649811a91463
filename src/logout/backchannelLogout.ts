import type { Request, RequestHandler } from 'express'
import { RelyingPartyError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import { type Logout, verifyLogoutToken } from '../protocol/received/logoutToken.js'
import type { Provider } from '../provider/provider.js'
import { readRequestParameters } from '../request/parameters.js'
import { assertMethod } from '../request/refusals.js'
import { type SessionCaller, sessionMiddleware } from '../session/sessionCaller.js'
import { endSid, endSubject, endWithoutSid } from './endSessions.js'
import { providerOfToken, useMark } from './tokenProvider.js'

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
    const code = 'ERR_LOGOUT_TOKEN_INVALID'
    const provider = await providerOfToken(caller, req, { token, kind: 'logout token', code })
    await carryOut(caller, req, provider, await verifyLogoutToken(provider, token))
    res.status(200).end()
  })
}

/**
 * Ends the sessions, then marks the token as used: if the process dies in between, the provider can send the token again.
 * The other way round, the sessions would never end.
 */
async function carryOut(caller: SessionCaller, req: Request, provider: Provider, logout: Logout): Promise<void> {
  const { jti, sid, subject, issuedAt, usableUntil } = logout
  const mark = useMark(caller, provider, jti, usableUntil)
  if (await mark.isUsed()) throw replayed()
  if (sid !== undefined) {
    if (subject !== undefined) await endWithoutSid(caller, req, provider, subject, issuedAt)
    await endSid(caller, req, provider, sid, issuedAt, 'backchannel_logout')
  } else if (subject !== undefined) {
    await endSubject(caller, req, provider, subject, 'backchannel_logout', issuedAt)
  }
  if (!(await mark.use())) throw replayed()
}

function replayed(): RelyingPartyError {
  return new RelyingPartyError('ERR_LOGOUT_TOKEN_INVALID', 'the logout token was already used', {
    cause: { claim: 'jti' },
    hint: 'the provider sent it again after a 200, which requires a new jti, or someone is replaying it',
  })
}

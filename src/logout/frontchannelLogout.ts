import type { RequestHandler, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import type { Provider } from '../provider/provider.js'
import { readRequestParameters } from '../request/parameters.js'
import { assertMethod } from '../request/refusals.js'
import { sessionMiddleware } from '../session/sessionCaller.js'
import { endSid } from './endSessions.js'

/**
 * Ends the session that the provider names by `iss` and `sid`, when its logout page loads this route in a frame.
 *
 * The request is not signed: it ends the session here and nothing at the provider. It needs no cookie, which browsers
 * do not send into a frame of another site. Only the provider may frame the answer. Register the route's address as the
 * `frontchannel_logout_uri`, and `frontchannel_logout_session_required`.
 *
 * @throws at a request: `ERR_LOGOUT_REQUEST_INVALID`, `ERR_STORE_UNAVAILABLE`
 * @see [OpenID Connect Front-Channel Logout 1.0](https://openid.net/specs/openid-connect-frontchannel-1_0.html)
 *
 * @example
 * ```ts
 * app.get('/frontchannel-logout', frontchannelLogout())
 * ```
 */
export function frontchannelLogout(): RequestHandler
export function frontchannelLogout(mounted?: unknown): RequestHandler {
  assertNotMounted('frontchannelLogout', mounted)
  return sessionMiddleware('frontchannelLogout()', async (context, req, res) => {
    res.set('Cache-Control', 'no-store')
    assertMethod(req, ['GET'], 'ERR_LOGOUT_REQUEST_INVALID', 'app.get(path, frontchannelLogout())')
    const parameters = await readRequestParameters(req, 'ERR_LOGOUT_REQUEST_INVALID')
    const [iss, sid] = [parameters.get('iss'), parameters.get('sid')]
    if (!iss || !sid) {
      throw new RelyingPartyError('ERR_LOGOUT_REQUEST_INVALID', 'the logout does not name a session', {
        hint: 'iss or sid is missing: register the client with frontchannel_logout_session_required',
      })
    }
    const providers = await context.config.providers.ofIssuer(req, iss)
    if (providers.length === 0) {
      throw new RelyingPartyError('ERR_LOGOUT_REQUEST_INVALID', 'the logout is from an unknown issuer', {
        cause: { parameter: 'iss', actual: iss },
        hint: 'compare iss with the issuer options of the configured providers, including a trailing slash',
      })
    }
    for (const provider of providers) await endSid(context, req, provider, sid, undefined, 'frontchannel_logout')
    allowFraming(res, await framers(providers))
    res.type('html').send('<!doctype html><title>Logged out</title>')
  })
}

/** The origins of the provider's pages. If its metadata is unavailable, that of the issuer. */
async function framers(providers: readonly Provider[]): Promise<Set<string>> {
  const origins = new Set<string>()
  for (const provider of providers) {
    const metadata = await provider.metadata().catch(() => undefined)
    for (const url of [provider.options.issuer, metadata?.end_session_endpoint]) {
      if (url !== undefined && URL.canParse(url)) origins.add(new URL(url).origin)
    }
  }
  return origins
}

/** Removes what other middleware, such as helmet, set about framing, and lets these origins frame the response. */
function allowFraming(res: Response, origins: ReadonlySet<string>): void {
  res.removeHeader('X-Frame-Options')
  res.set('Content-Security-Policy', `default-src 'none'; frame-ancestors ${[...origins].join(' ')}`)
}

import type { RequestHandler, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import type { Provider } from '../provider/provider.js'
import { readRequestParameters } from '../request/parameters.js'
import { assertMethod } from '../request/refusals.js'
import { sessionMiddleware } from '../session/sessionCaller.js'
import { endSid } from './endSessions.js'

/**
 * Ends the sessions that `iss` and `sid` name, when the provider's logout page loads this route in a frame.
 *
 * The request is not signed, so it ends sessions here and nothing at the provider. It needs no cookie: browsers do not
 * send cookies from a frame on another site. Only the provider may frame the response. Register the route's URL as the
 * `frontchannel_logout_uri`, and set `frontchannel_logout_session_required`.
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
  return sessionMiddleware('frontchannelLogout()', async (caller, req, res) => {
    res.set('Cache-Control', 'no-store')
    assertMethod(req, ['GET'], 'ERR_LOGOUT_REQUEST_INVALID', 'app.get(path, frontchannelLogout())')
    const parameters = await readRequestParameters(req, 'ERR_LOGOUT_REQUEST_INVALID')
    const [iss, sid] = [parameters.get('iss'), parameters.get('sid')]
    if (!iss || !sid) {
      throw new RelyingPartyError('ERR_LOGOUT_REQUEST_INVALID', 'the logout does not name a session', {
        hint: 'iss or sid is missing: register the client with frontchannel_logout_session_required set',
      })
    }
    const providers = await caller.config.providers.ofIssuer(req, iss)
    if (providers.length === 0) {
      throw new RelyingPartyError('ERR_LOGOUT_REQUEST_INVALID', 'the logout is from an unknown issuer', {
        cause: { parameter: 'iss', actual: iss },
        hint: 'compare iss with the issuer options of the configured providers, including a trailing slash',
      })
    }
    for (const provider of providers) await endSid(caller, req, provider, sid, undefined, 'frontchannel_logout')
    allowFraming(res, await framers(providers))
    res.type('html').send('<!doctype html><title>Logged out</title>')
  })
}

/** Returns the origins of the providers' pages. Without metadata, only that of the issuer is known. */
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

/** Lets these origins, and no others, frame the response, whatever other middleware such as helmet has set. */
function allowFraming(res: Response, origins: ReadonlySet<string>): void {
  res.removeHeader('X-Frame-Options')
  res.set('Content-Security-Policy', `default-src 'none'; frame-ancestors ${[...origins].join(' ')}`)
}

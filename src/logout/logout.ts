import type { Request, RequestHandler, Response } from 'express'
import { configurationError } from '../errors.js'
import { assertOptions, boolean, type Shape } from '../lib/check.js'
import { endSessionUrl } from '../protocol/endSession.js'
import type { Provider } from '../provider/provider.js'
import { sendGoOnPage } from '../request/goOnPage.js'
import { asksForPage, isInquiry, isSafe } from '../request/navigation.js'
import { assertNoSubresource, assertSameOrigin } from '../request/refusals.js'
import { returnToOption, safeReturnTo } from '../request/returnTo.js'
import { queryParameter } from '../request/url.js'
import { type SessionContext, sessionMiddleware } from '../session/sessionCaller.js'
import { endSession, readMark } from '../session/signedInMark.js'
import type { Config } from '../setup/config.js'
import { startPage } from '../setup/urls.js'
import { endSubject } from './endSessions.js'
import { rememberLogout } from './logoutReturn.js'
import { revoke } from './revoke.js'

/** Options of {@link logout}. */
export interface LogoutOptions {
  /**
   * Where the user goes after logout: a path of this application, or one of `postLogoutUrls`. Default is the parameter
   * `returnTo` of the query or form, or `/`.
   */
  returnTo?: string
  /**
   * Whether all sessions end that the user has here from this provider, on other devices too. Only the refresh token of
   * this one is revoked. Default is `false`.
   */
  everywhere?: boolean
}

const SHAPE: Shape<LogoutOptions> = {
  // Which URLs of other origins are allowed is known at a request.
  returnTo: (value) =>
    typeof value === 'string' && /^https?:/i.test(value) && URL.canParse(value) ? undefined : returnToOption(value),
  everywhere: boolean,
}

/**
 * Ends the session, here and then at the provider where it has RP-initiated logout. The refresh token is revoked.
 *
 * The token record is removed first, so that no slow request brings the session back. Works without a session too. A
 * request from another site is refused; HEAD ends nothing. A form POST is answered with a small page that goes on by
 * itself, since `form-action 'self'` of a Content Security Policy blocks redirects to the provider. A script gets
 * `{ logoutUrl }` as JSON and sends the browser there. A revocation that fails is reported as an event, and delays the
 * answer by no more than `http.timeout`. The `id_token_hint` is left out where it would make the URL longer than 4,096
 * characters, which servers refuse; the provider may then ask the user to confirm.
 *
 * @throws at a request: `ERR_CROSS_SITE_REQUEST`, `ERR_NOT_NAVIGATED`, `ERR_STORE_UNAVAILABLE`
 * @see [OpenID Connect RP-Initiated Logout](https://openid.net/specs/openid-connect-rpinitiated-1_0.html)
 *
 * @example
 * ```ts
 * app.post('/logout', logout({ returnTo: '/goodbye' }))
 * ```
 */
export function logout(options: LogoutOptions = {}): RequestHandler {
  assertOptions<LogoutOptions>(options, 'logout', SHAPE)

  return sessionMiddleware('logout()', async (context, req, res) => {
    const { config, auth } = context
    res.set('Cache-Control', 'no-store')
    assertNoSubresource(req)
    if (isInquiry(req)) return void res.end()
    assertSameOrigin(req, config.origin)
    const destination = chooseDestination(config, req, options)
    const { record, sessionProvider } = auth
    const tokens = record && context.services.records.open(record)
    if (sessionProvider && record && options.everywhere) {
      await endSubject(context, req, sessionProvider, record.subject, 'everywhere')
    }
    await endLocally(context, req)
    const [url] = await Promise.all([
      sessionProvider && providerLogout(config, sessionProvider, res, tokens?.idToken, destination),
      sessionProvider && tokens && revoke(config, req, sessionProvider, record.subject, tokens),
    ])
    if (record) await config.onLogout?.({ subject: record.subject, provider: record.provider }, req)
    answer(req, res, url ?? destination)
  })
}

async function endLocally({ config, services, auth }: SessionContext, req: Request): Promise<void> {
  const { record } = auth
  // By the mark, also where the provider of the session is no longer configured and no one counts as signed in.
  const mark = readMark(req, config.session.key)
  if (mark) await services.records.remove(mark.id)
  await endSession(req).catch((error: unknown) => {
    // Without its record the session is over, and given up at its next request: the logout goes on at the provider.
    if (!mark) throw error
  })
  if (!record) return
  const { provider, subject } = record
  config.emit({ type: 'session.ended', provider, subject, reason: 'logout' }, req)
}

/** Builds the URL of the provider's logout. If the provider is unavailable, the logout stays local. */
async function providerLogout(
  config: Config,
  provider: Provider,
  res: Response,
  idToken: string | undefined,
  destination: string,
): Promise<string | undefined> {
  try {
    const { end_session_endpoint } = await provider.metadata()
    if (end_session_endpoint === undefined) return undefined
    const state = rememberLogout(config, res, destination)
    const { postLogoutRedirectUri } = config
    const url = await endSessionUrl(provider, { idToken, postLogoutRedirectUri, state })
    return url.href
  } catch {
    return undefined
  }
}

/** Returns an absolute URL. @throws `ERR_CONFIGURATION` when the route's own `returnTo` is refused */
function chooseDestination(config: Config, req: Request, { returnTo }: LogoutOptions): string {
  const chosen = allowed(config, returnTo ?? fromForm(req) ?? queryParameter(req, 'returnTo'))
  if (chosen !== undefined) return chosen
  if (returnTo !== undefined) {
    throw configurationError(
      'logout.returnTo',
      'is neither a path of this application nor an allowed URL',
      'write a path such as /goodbye, or list the URL in relyingParty.postLogoutUrls',
    )
  }
  return config.origin + startPage(config)
}

function allowed(config: Config, value: unknown): string | undefined {
  if (typeof value === 'string' && config.postLogoutUrls.includes(value)) return value
  const path = safeReturnTo(value, config.origin)
  return path === undefined ? undefined : config.origin + path
}

function fromForm(req: Request): unknown {
  return typeof req.body === 'object' && req.body !== null ? (req.body as { returnTo?: unknown }).returnTo : undefined
}

/**
 * Sends a page on, or a script the way. A page that posted a form is sent on by a page: `form-action 'self'`, which helmet
 * sets by default, also blocks every redirect that follows the form, and the user would stay signed in at the provider.
 */
function answer(req: Request, res: Response, url: string): void {
  const isPage = asksForPage(req)
  if (!isPage && req.accepts('json')) res.json({ logoutUrl: url })
  else if (!isPage || isSafe(req)) res.redirect(303, url)
  else sendGoOnPage(res, url, { title: 'Signing out', link: 'Continue' })
}

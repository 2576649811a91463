import type { Request, RequestHandler, Response } from 'express'
import { configurationError } from '../errors.js'
import { assertOptions, boolean, type Shape } from '../lib/check.js'
import { sendForwardingPage } from '../pages/forwardingPage.js'
import { endSessionUrl } from '../protocol/endSession.js'
import type { Provider } from '../provider/provider.js'
import { uiLocalesOf } from '../request/languages.js'
import { asksForPage, isInquiry, isSafe } from '../request/navigation.js'
import { assertNoSubresource, assertSameOrigin } from '../request/refusals.js'
import { returnToOption, safeReturnTo } from '../request/returnTo.js'
import { queryParameter } from '../request/url.js'
import { type SessionCaller, sessionMiddleware } from '../session/sessionCaller.js'
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
   * `returnTo` of the form or query, or `/`.
   */
  returnTo?: string
  /**
   * Whether to end all of the user's sessions from this provider, on other devices too. Only this session's refresh token
   * is revoked. Default is `false`.
   */
  everywhere?: boolean
}

const SHAPE: Shape<LogoutOptions> = {
  // relyingParty knows which URLs of other origins are allowed, at request time.
  returnTo: (value) =>
    typeof value === 'string' && /^https?:/i.test(value) && URL.canParse(value) ? undefined : returnToOption(value),
  everywhere: boolean,
}

/**
 * Ends the session here, revokes its refresh token, and ends the session at the provider if it has RP-initiated logout.
 *
 * The token record is removed first, so that a slow request cannot bring the session back. Also works without a session.
 * Requests from other sites are refused; HEAD ends nothing. A form POST is answered with a small page that forwards the
 * browser, because `form-action 'self'` in a Content Security Policy blocks redirects to the provider. Scripts get
 * `{ logoutUrl }` as JSON and send the browser there. A failed revocation is reported as an event, and delays the response
 * by `http.timeout` at most. The `id_token_hint` is omitted if the URL would exceed 4,096 characters, which servers
 * refuse; the provider may then ask the user to confirm.
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

  return sessionMiddleware('logout()', async (caller, req, res) => {
    const { config, auth } = caller
    res.set('Cache-Control', 'no-store')
    assertNoSubresource(req)
    if (isInquiry(req)) return void res.end()
    assertSameOrigin(req, config.origin)
    const destination = chooseDestination(config, req, options)
    const { record, sessionProvider } = auth
    const tokens = record && caller.services.records.unseal(record)
    if (sessionProvider && record && options.everywhere) {
      await endSubject(caller, req, sessionProvider, record.subject, 'everywhere')
    }
    await endLocally(caller, req)
    const [url] = await Promise.all([
      sessionProvider && providerLogout(config, sessionProvider, req, res, tokens?.idToken, destination),
      sessionProvider && tokens && revoke(config, req, sessionProvider, record.subject, tokens),
    ])
    if (record) await config.onLogout?.({ subject: record.subject, provider: record.provider }, req)
    answer(config, req, res, url ?? destination)
  })
}

async function endLocally({ config, services, auth }: SessionCaller, req: Request): Promise<void> {
  const { record } = auth
  // Goes by the mark: if the session's provider is no longer configured, there is no auth.record.
  const mark = readMark(req, config.session.key)
  if (mark) await services.records.remove(mark.id)
  await endSession(req).catch((error: unknown) => {
    // Without its record the session is over, and its next request drops it: the logout continues at the provider.
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
  req: Request,
  res: Response,
  idToken: string | undefined,
  destination: string,
): Promise<string | undefined> {
  try {
    const { end_session_endpoint } = await provider.metadata()
    const { clientId, logoutUrl } = provider.options
    const uiLocales = provider.options.uiLocales && uiLocalesOf(req)
    if (end_session_endpoint === undefined && !logoutUrl) return undefined
    const state = rememberLogout(config, res, destination)
    const { postLogoutRedirectUri } = config
    const standard =
      end_session_endpoint === undefined
        ? undefined
        : (await endSessionUrl(provider, { idToken, postLogoutRedirectUri, state, uiLocales })).href
    if (!logoutUrl) return standard
    return new URL(logoutUrl({ clientId, postLogoutRedirectUri, state, endSessionUrl: standard })).href
  } catch {
    return undefined
  }
}

/** Returns an absolute URL. @throws `ERR_CONFIGURATION` if the route's own `returnTo` is not allowed */
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
 * Forwards a browser, or sends a script the URL. A form POST is forwarded by a page: `form-action 'self'`, which helmet sets
 * by default, also blocks the redirects that follow a form, and the user would stay signed in at the provider.
 */
function answer(config: Config, req: Request, res: Response, url: string): void {
  const isPage = asksForPage(req)
  if (!isPage && req.accepts('json')) res.json({ logoutUrl: url })
  else if (!isPage || isSafe(req)) res.redirect(303, url)
  else sendForwardingPage(config.pages, req, res, url, 'signingOut')
}

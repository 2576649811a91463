import type { Request, RequestHandler, Response } from 'express'
import { configurationError, RelyingPartyError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import type { Parameters } from '../lib/uniqueParameters.js'
import { sendForwardingPage } from '../pages/forwardingPage.js'
import { authenticate } from '../protocol/authentication.js'
import { errorWithoutState, readAuthorizationResponse } from '../protocol/authorizationResponse.js'
import { type Transaction, transactionValues } from '../protocol/transaction.js'
import type { Provider } from '../provider/provider.js'
import type { ResolvedProviderOptions } from '../provider/resolveOptions.js'
import { readRequestParameters } from '../request/parameters.js'
import { assertMethod, assertNoSubresource } from '../request/refusals.js'
import { safeReturnTo } from '../request/returnTo.js'
import { canonicalPath } from '../request/url.js'
import { noteSignedIn } from '../session/loginLoop.js'
import { type SessionCaller, sessionMiddleware } from '../session/sessionCaller.js'
import { isStrict, isWithoutStrictCookie } from '../session/sessionCookie.js'
import type { Config } from '../setup/config.js'
import { noteReached } from '../setup/unreached.js'
import { publicPath, startPage } from '../setup/urls.js'
import { failLogin, providerGone, transactionConsumed, transactionExpired, transactionMissing } from './failedLogin.js'
import { signIn } from './signIn.js'
import { type FoundTransaction, findTransaction, isOwnState, unbindTransaction } from './transactionState.js'

/**
 * Receives the provider's response, verifies it, signs the user in and redirects to `returnTo`.
 *
 * Accepts GET and form_post. The session gets a new ID once all checks have passed. Each response is used only once, even
 * if it is delivered twice at the same time. A response that fails leaves the session as it was. A response that is
 * delivered again after login (reload, back button) redirects into the application.
 *
 * If the user cancels at the provider, the error is `ERR_AUTHORIZATION_DENIED`. Errors have `returnTo` and `retryUrl`.
 *
 * @throws at a request: `ERR_TRANSACTION_MISSING`, `ERR_TRANSACTION_EXPIRED`, `ERR_TRANSACTION_CONSUMED`,
 *   `ERR_AUTHORIZATION_RESPONSE_INVALID`, `ERR_AUTHORIZATION_DENIED`, `ERR_AUTHORIZATION_FAILED`, `ERR_ISSUER_MISMATCH`,
 *   `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_ID_TOKEN_INVALID`,
 *   `ERR_USERINFO_INVALID`, `ERR_LOGIN_REFUSED`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE`,
 *   `ERR_BODY_TOO_LARGE`, `ERR_CONFIGURATION`
 * @see [RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2)
 * @see [OAuth 2.0 Form Post Response Mode](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html)
 *
 * @example
 * ```ts
 * app.all('/callback', callback())
 * ```
 */
export function callback(): RequestHandler
export function callback(mounted?: unknown): RequestHandler {
  assertNotMounted('callback', mounted)
  return sessionMiddleware('callback()', async (caller, req, res) => {
    const { config } = caller
    noteReached(req)
    res.set('Cache-Control', 'no-store')
    assertNoSubresource(req)
    if (!config.callbacks.mayBeAt(publicPath(config, req))) throw mountedElsewhere(caller, req)
    assertMethod(req, ['GET', 'POST'], 'ERR_AUTHORIZATION_RESPONSE_INVALID', config.callbacks.mounting)
    let transaction: Transaction | undefined
    let state: string | undefined
    try {
      const parameters = await readRequestParameters(req)
      state = parameters.get('state')
      const found: FoundTransaction = state === undefined ? { found: 'none' } : findTransaction(config, req, state)
      if (state === undefined || !('transaction' in found)) {
        const error = state === undefined ? errorWithoutState(parameters) : undefined
        if (error) throw error
        if (!resume(caller, req, res, state, undefined)) throw transactionMissing(found.found)
        return
      }
      transaction = found.transaction
      if (found.found === 'expired') throw transactionExpired()
      await finishLogin(caller, req, res, { transaction, state, parameters })
    } catch (error) {
      throw failLogin(config, req, error, transaction)
    }
  })
}

/** An authorization response with its transaction. */
interface Delivery {
  readonly transaction: Transaction
  readonly state: string
  readonly parameters: Parameters
}

async function finishLogin(caller: SessionCaller, req: Request, res: Response, delivery: Delivery): Promise<void> {
  const { config } = caller
  const { transaction, state, parameters } = delivery
  const provider = await config.providers.findForResponse(req, transaction.provider, transaction.registration)
  if (!provider) throw providerGone(config)
  const metadata = await provider.metadata()
  assertResponseMode(req, provider, parameters)
  if (!(await consume(caller, transaction))) {
    if (!resume(caller, req, res, state, transaction.returnTo)) throw transactionConsumed()
    return
  }
  unbindTransaction(config, res, transaction, provider.options.responseMode === 'form_post')
  const step = { provider: provider.name, transaction: transactionValues(transaction).id }
  const via = req.method === 'POST' ? 'POST' : 'GET'
  config.emit({ type: 'login.response', ...step, via, hasCode: parameters.has('code') }, req)

  assertOwnPath(config, req, provider)
  const response = readAuthorizationResponse(parameters, {
    state,
    issuer: metadata.issuer,
    isIssuer: (await provider.issuers()).fits,
    // If providers share a path, a change of the metadata during the login must not drop this requirement.
    issRequired:
      metadata.authorization_response_iss_parameter_supported === true || config.callbacks.isShared(provider),
    responseType: provider.options.responseType,
  })
  const authentication = await authenticate(provider, transaction, response, config.callbacks.redirectUri(provider))
  const checks = checksOf(provider.options)
  const { returnTo } = await signIn(caller, req, {
    ...authentication,
    provider,
    step,
    checks,
    parameters: Object.fromEntries(parameters),
    returnTo: transaction.returnTo,
    anonymousId: transaction.sessionId,
  })
  noteSignedIn(config, req, res, returnTo, provider.options.responseMode === 'form_post')
  redirectTo(config, req, res, config.origin + returnTo)
}

/**
 * Sends the browser on within the application. A redirect would count as cross-site, so a `SameSite=Strict` session cookie
 * requires a page instead.
 */
function redirectTo(config: Config, req: Request, res: Response, url: string): void {
  if (isStrict(req)) sendForwardingPage(config.pages, req, res, url, 'signingIn')
  else res.redirect(303, url)
}

/**
 * Checks that the response arrived at the `redirect_uri` of the login. Otherwise another provider sent it.
 *
 * @see [RFC 9700 §4.4.2.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.4.2.2)
 */
function assertOwnPath(config: Config, req: Request, provider: Provider): void {
  const path = config.callbacks.pathOf(provider)
  if (canonicalPath(publicPath(config, req)) === canonicalPath(path)) return
  throw new RelyingPartyError('ERR_ISSUER_MISMATCH', 'the response arrived at the address of another provider', {
    cause: { parameter: 'redirect_uri', expected: path },
    hint: `responses of ${provider.name} arrive at ${path} only: this one may be part of a mix-up attack`,
  })
}

/**
 * Refuses a response in the query if form_post was requested, which keeps codes and tokens out of URLs and logs. A request
 * with only a state comes from {@link resume}.
 *
 * @see [OAuth 2.0 Form Post Response Mode §2](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html)
 */
function assertResponseMode(req: Request, { options }: Provider, parameters: Parameters): void {
  if (options.responseMode !== 'form_post' || req.method === 'POST' || [...parameters.keys()].join() === 'state') return
  throw new RelyingPartyError(
    'ERR_AUTHORIZATION_RESPONSE_INVALID',
    'the provider sent its response in an unexpected way',
    {
      hint: 'form_post was requested, but the response came in the query: does the provider support response_mode?',
    },
  )
}

/** Marks a transaction as used, in all processes that share the store. Resolves to whether it was unused. */
async function consume({ config, services }: SessionCaller, transaction: Transaction): Promise<boolean> {
  const left = transaction.startedAt + config.transactions.lifetime - Date.now() / 1000
  return services.store.add(`transaction:${transactionValues(transaction).id}`, 'used', Math.ceil(left) + 1)
}

/**
 * Redirects an unusable response into the application if the user is already signed in, as after a reload or the back
 * button. A cross-site POST lacks the session's cookie, and so does a cross-site GET if that is `SameSite=Strict`: the
 * browser is redirected once, so that it sends the cookie.
 *
 * @returns whether the request was answered
 */
function resume(
  { config, auth }: SessionCaller,
  req: Request,
  res: Response,
  state: string | undefined,
  returnTo: string | undefined,
): boolean {
  if (auth.isAuthenticated) {
    redirectTo(config, req, res, config.origin + (returnTo ?? startPage(config)))
    return true
  }
  if (req.method !== 'POST' && !isWithoutStrictCookie(req)) return false
  // Keeps only a state sealed by this application: anyone can post anything here.
  const query = state !== undefined && isOwnState(config, state) ? `?${new URLSearchParams({ state })}` : ''
  const path = safeReturnTo(publicPath(config, req), config.origin) ?? config.paths.callback
  redirectTo(config, req, res, config.origin + path + query)
  return true
}

/** Returns the checks of a successful login, for the event `login.verified`. */
function checksOf({ protocol, responseType, pkce, nonce }: ResolvedProviderOptions): string[] {
  const ofCode = responseType === 'id_token' || pkce === 'refused' ? [] : ['code_verifier']
  if (protocol === 'oauth2') return ['state', ...ofCode, 'profile']
  const ofBoth = responseType === 'code id_token' ? ['c_hash'] : []
  return ['state', 'iss', ...ofCode, 'signature', 'aud', 'exp', ...(nonce ? ['nonce'] : []), ...ofBoth]
}

function mountedElsewhere({ config }: SessionCaller, req: Request): RelyingPartyError {
  const urls = config.providers.fixed.map((provider) => config.callbacks.redirectUri(provider))
  return configurationError(
    'callback()',
    `is mounted at ${publicPath(config, req)}, but the provider sends users to ${urls.join(' or ')}`,
    `write ${config.callbacks.mounting}, or set relyingParty.callbackPath`,
  )
}

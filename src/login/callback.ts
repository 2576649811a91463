import type { Request, RequestHandler, Response } from 'express'
import { configurationError, RelyingPartyError, storeError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import type { Parameters } from '../lib/uniqueParameters.js'
import { authenticate } from '../protocol/authentication.js'
import { errorWithoutState, readAuthorizationResponse } from '../protocol/authorizationResponse.js'
import { type Transaction, transactionValues } from '../protocol/transaction.js'
import type { Provider } from '../provider/provider.js'
import type { ResolvedProviderOptions } from '../provider/resolveOptions.js'
import { sendGoOnPage } from '../request/goOnPage.js'
import { readRequestParameters } from '../request/parameters.js'
import { assertMethod, assertNoSubresource } from '../request/refusals.js'
import { safeReturnTo } from '../request/returnTo.js'
import { noteSignedIn } from '../session/loginLoop.js'
import { type SessionContext, sessionMiddleware } from '../session/sessionCaller.js'
import { isStrict } from '../session/sessionCookie.js'
import type { Config } from '../setup/config.js'
import { noteReached } from '../setup/unreached.js'
import { isAt, loginUrl, publicPath, startPage } from '../setup/urls.js'
import { emitRefused, signIn } from './signIn.js'
import { type FoundTransaction, findTransaction, isOwnState, unbindTransaction } from './transactionState.js'

/**
 * Takes the provider's response, by GET or by form_post, judges all of it, and only then signs the user in under a new
 * session ID and goes on to `returnTo`.
 *
 * A response is used once, also when it is delivered twice at once. A failed one leaves the session as it was. Delivered
 * again after login (reload, back button), it leads into the application.
 *
 * Errors carry `returnTo` and `retryUrl`.
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
  return sessionMiddleware('callback()', async (context, req, res) => {
    const { config } = context
    noteReached(req)
    res.set('Cache-Control', 'no-store')
    assertNoSubresource(req)
    if (!config.callbacks.mayBeAt(publicPath(config, req))) throw mountedElsewhere(context, req)
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
        if (!leadOn(context, req, res, state, undefined)) throw transactionMissing(found.found)
        return
      }
      transaction = found.transaction
      if (found.found === 'expired') throw transactionExpired()
      await finishLogin(context, req, res, { transaction, state, parameters })
    } catch (error) {
      throw refused(context, req, error, transaction)
    }
  })
}

/** One authorization response, with the transaction it belongs to. */
interface Delivery {
  readonly transaction: Transaction
  readonly state: string
  readonly parameters: Parameters
}

async function finishLogin(context: SessionContext, req: Request, res: Response, delivery: Delivery): Promise<void> {
  const { config } = context
  const { transaction, state, parameters } = delivery
  const provider = await config.providers.findForResponse(req, transaction.provider, transaction.registration)
  if (!provider) throw providerGone(config)
  const metadata = await provider.metadata()
  requireResponseMode(req, provider, parameters)
  if (!(await consume(context, transaction))) {
    if (!leadOn(context, req, res, state, transaction.returnTo)) throw transactionConsumed()
    return
  }
  unbindTransaction(config, res, transaction, provider.options.responseMode === 'form_post')
  const step = { provider: provider.name, transaction: transactionValues(transaction).id }
  const via = req.method === 'POST' ? 'POST' : 'GET'
  config.emit({ type: 'login.response', ...step, via, hasCode: parameters.has('code') }, req)

  requireOwnPath(config, req, provider)
  const response = readAuthorizationResponse(parameters, {
    state,
    issuer: metadata.issuer,
    // Where providers share a path, metadata that changed since the login began must not take the demand back.
    issRequired:
      metadata.authorization_response_iss_parameter_supported === true || config.callbacks.isShared(provider),
    responseType: provider.options.responseType,
  })
  const authentication = await authenticate(provider, transaction, response, config.callbacks.redirectUri(provider))
  const checks = checksOf(provider.options)
  await signIn(context, req, { ...authentication, provider, step, checks, anonymousId: transaction.sessionId })
  noteSignedIn(config, req, res, transaction.returnTo, provider.options.responseMode === 'form_post')
  goOn(req, res, config.origin + transaction.returnTo)
}

/**
 * Goes on within the application. A redirect would count as sent by the provider's site: a page goes on where the
 * session's cookie is kept from such requests.
 */
function goOn(req: Request, res: Response, url: string): void {
  if (isStrict(req)) sendGoOnPage(res, url, { title: 'Signing in', link: 'Continue' })
  else res.redirect(303, url)
}

/**
 * Refuses a response at another address than the one that was sent to the provider as `redirect_uri`: it comes from the
 * provider that has that address.
 *
 * @see [RFC 9700 §4.4.2.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.4.2.2)
 */
function requireOwnPath(config: Config, req: Request, provider: Provider): void {
  const path = config.callbacks.pathOf(provider)
  if (isAt(config, req, path)) return
  throw new RelyingPartyError('ERR_ISSUER_MISMATCH', 'the response came to the address of another provider', {
    cause: { parameter: 'redirect_uri', expected: path },
    hint: `responses of ${provider.name} come to ${path} only: this one may be part of a mix-up attack`,
  })
}

/**
 * Refuses a response by query where form_post was asked for, which keeps codes and tokens out of URLs and logs. A request
 * with the state alone is one that {@link leadOn} has sent on.
 *
 * @see [OAuth 2.0 Form Post Response Mode §2](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html)
 */
function requireResponseMode(req: Request, { options }: Provider, parameters: Parameters): void {
  if (options.responseMode !== 'form_post' || req.method === 'POST' || [...parameters.keys()].join() === 'state') return
  throw new RelyingPartyError(
    'ERR_AUTHORIZATION_RESPONSE_INVALID',
    'the response came in another form than asked for',
    {
      hint: 'the provider was asked for form_post and answered by query: does it support response_mode?',
    },
  )
}

/** Uses a transaction up, in every process that shares the store. Resolves to whether it was unused. */
async function consume({ config, services }: SessionContext, transaction: Transaction): Promise<boolean> {
  const left = transaction.startedAt + config.transactions.lifetime - Date.now() / 1000
  try {
    return await services.store.add(`transaction:${transactionValues(transaction).id}`, 'used', Math.ceil(left) + 1)
  } catch (error) {
    throw storeError(error)
  }
}

/**
 * Leads a response that cannot be used into the application, if the user is signed in already: after a reload, or the
 * back button. A cross-site POST comes without the session's cookie, and so does a cross-site GET if that is
 * `SameSite=Strict`: the browser is asked to come again in a way that sends it.
 *
 * @returns whether it was answered
 */
function leadOn(
  { config, auth }: SessionContext,
  req: Request,
  res: Response,
  state: string | undefined,
  returnTo: string | undefined,
): boolean {
  if (auth.isAuthenticated) {
    goOn(req, res, config.origin + (returnTo ?? startPage(config)))
    return true
  }
  const strict = req.get('Sec-Fetch-Site') === 'cross-site' && isStrict(req)
  if (req.method !== 'POST' && !strict) return false
  // Only a state of ours is carried on: anyone may post anything here.
  const query = state !== undefined && isOwnState(config, state) ? `?${new URLSearchParams({ state })}` : ''
  const path = safeReturnTo(publicPath(config, req), config.origin) ?? config.paths.callback
  goOn(req, res, config.origin + path + query)
  return true
}

/** What was checked by the time a user is signed in. */
function checksOf({ responseType }: ResolvedProviderOptions): string[] {
  const ofCode = responseType === 'id_token' ? [] : ['code_verifier']
  const ofBoth = responseType === 'code id_token' ? ['c_hash'] : []
  return ['state', 'iss', ...ofCode, 'signature', 'aud', 'exp', 'nonce', ...ofBoth]
}

/** Reports a failed login, and adds the ways on to its error. */
function refused(
  { config }: SessionContext,
  req: Request,
  error: unknown,
  transaction: Transaction | undefined,
): unknown {
  const step = transaction && { provider: transaction.provider, transaction: transactionValues(transaction).id }
  emitRefused(config, error, step, req)
  if (error instanceof RelyingPartyError) {
    error.returnTo = transaction?.returnTo ?? startPage(config)
    error.retryUrl = loginUrl(config, transaction?.returnTo, namedProvider(transaction))
  }
  return error
}

/** The provider's name for the query of a retry; the only one needs none. */
function namedProvider(transaction: Transaction | undefined): string | undefined {
  return transaction?.provider === 'default' ? undefined : transaction?.provider
}

function transactionExpired(): RelyingPartyError {
  return new RelyingPartyError('ERR_TRANSACTION_EXPIRED', 'the login took too long: start it again', {
    hint: 'it was begun more than transactions.lifetime ago',
  })
}

function transactionConsumed(): RelyingPartyError {
  return new RelyingPartyError('ERR_TRANSACTION_CONSUMED', 'this login was already completed: start it again', {
    hint: 'its response came before, and this browser is not signed in: a reload, a prefetch, or a login that then failed',
  })
}

function transactionMissing(found: FoundTransaction['found']): RelyingPartyError {
  return new RelyingPartyError(
    'ERR_TRANSACTION_MISSING',
    'this browser has no such login in progress: start it again',
    {
      hint:
        found === 'unreadable'
          ? 'the state cannot be decrypted: was relyingParty.secret changed (list the old one too), do two processes have ' +
            'different secrets, baseUrl or callbackPath, or did the provider cut the state?'
          : 'likely causes: the login was begun in another browser or under another host name than baseUrl; cookies are ' +
            'blocked; it was begun more than transactions.lifetime ago; more than transactions.max were begun since; ' +
            'relyingParty.secret was changed (list the old one too); or the page is a bookmark',
    },
  )
}

function providerGone({ providers }: Config): RelyingPartyError {
  return new RelyingPartyError(
    'ERR_UNKNOWN_PROVIDER',
    'the provider this login was begun with is no longer configured',
    providers.source === 'resolver'
      ? {
          hint:
            'relyingParty.provider found another provider for this request. A response by form_post comes without the ' +
            "session's cookie: let the function go by its second argument, { name }, where it is given one",
        }
      : {},
  )
}

function mountedElsewhere({ config }: SessionContext, req: Request): RelyingPartyError {
  const urls = config.providers.fixed.map((provider) => config.callbacks.redirectUri(provider))
  return configurationError(
    'callback()',
    `is mounted at ${publicPath(config, req)}, but the provider sends users to ${urls.join(' or ')}`,
    `write ${config.callbacks.mounting}, or set relyingParty.callbackPath`,
  )
}

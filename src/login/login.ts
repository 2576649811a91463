import type { Request, RequestHandler, Response } from 'express'
import { configurationError, RelyingPartyError } from '../errors.js'
import { assertOptions, boolean, number, type Shape, string, stringOrStrings } from '../lib/check.js'
import { defined } from '../lib/defined.js'
import { toList } from '../lib/list.js'
import { sendForwardingPage } from '../pages/forwardingPage.js'
import { sendSignInPage } from '../pages/signInPage.js'
import { type AuthorizationRequest, authorizationUrl } from '../protocol/authorizationRequest.js'
import { createTransaction, type Transaction, transactionValues } from '../protocol/transaction.js'
import { checkAuthorizationParams } from '../provider/authorizationParams.js'
import type { Provider } from '../provider/provider.js'
import { uiLocalesOf } from '../request/languages.js'
import { asksForPage, isInquiry, isSafe, isWithoutLaxCookies } from '../request/navigation.js'
import { assertNoSubresource } from '../request/refusals.js'
import { returnToOption, safeReturnTo } from '../request/returnTo.js'
import { publicUrl, queryParameter, withoutQuery } from '../request/url.js'
import { noteSignedIn, stopLoginLoop } from '../session/loginLoop.js'
import { unsealStepUp } from '../session/sealedStepUp.js'
import { type SessionCaller, sessionMiddleware } from '../session/sessionCaller.js'
import { isStrict, isWithoutStrictCookie, requireSessionCookie } from '../session/sessionCookie.js'
import { idOfUsedSession } from '../session/signedInMark.js'
import type { Config } from '../setup/config.js'
import { destination, isCallback, withParameters } from '../setup/urls.js'
import { choicesFor, chooseProvider, mustChoose } from './choice.js'
import { initiationParameters, readInitiation, type ThirdPartyInitiation } from './thirdPartyInitiation.js'
import { bindTransaction, sealState } from './transactionState.js'

/** Options of {@link login}. Each overrides the provider's option of that name for this route. */
export interface LoginOptions {
  /** The name of the provider. Default is that of the route (`/login/:provider`) or the query, or the only one. */
  provider?: string
  /** The path of this application to return to after login. Default is the query parameter `returnTo`, or `/`. */
  returnTo?: string
  /** The scopes to request. Must include `openid`. */
  scope?: string | readonly string[]
  /** The `prompt` parameter, such as `'login'`. Starts a new login even if the user is signed in. */
  prompt?: string
  /** The `max_age` parameter. In seconds, at most one year. Starts a new login even if the user is signed in. */
  maxAge?: number
  /** The `acr_values` parameter. Starts a new login even if the user is signed in. */
  acrValues?: string | readonly string[]
  /** Whether the `acr` claim must be one of `acrValues`. */
  acrEssential?: boolean
  /** The `login_hint` parameter: the e-mail address or user name of the user. */
  loginHint?: string
  /** Additional parameters of the authorization request, merged with the provider's. */
  authorizationParams?: Readonly<Record<string, string>>
}

const SHAPE: Shape<LoginOptions> = {
  provider: string,
  returnTo: returnToOption,
  scope: stringOrStrings,
  prompt: string,
  maxAge: number('seconds', 0, 31_536_000),
  acrValues: stringOrStrings,
  acrEssential: boolean,
  loginHint: string,
  authorizationParams: checkAuthorizationParams,
}

/** For functions, which may pass on a `returnTo` from the browser: an invalid one is replaced by the start page. */
const FUNCTION_SHAPE: Shape<LoginOptions> = { ...SHAPE, returnTo: string }

/**
 * Redirects the user to the provider to sign in, with PKCE (S256) and a new `state` and `nonce`.
 *
 * The encrypted `state` holds everything needed to verify the response. A small cookie binds it to this browser. A user who
 * is already signed in is redirected to `returnTo`, unless the options require a new login. `returnTo` never leaves the
 * application's origin; the start page replaces one of more than 2,048 characters.
 *
 * If there are several providers and none is chosen, browsers get the sign-in page, which lists them.
 *
 * HEAD, prefetches, images and frames do not start a login. Third parties can initiate one with `iss`, `login_hint` and
 * `target_link_uri`: at configured issuers only, to a path of this application, with the scopes of the options. For this,
 * mount the route for GET and POST; a cross-site POST is redirected to GET, with which the browser sends its cookies. A
 * `login_hint` is passed on even if the user is signed in.
 *
 * @param options - for this route, or a function that returns them for each request
 * @throws `ERR_CONFIGURATION`; at a request `ERR_NOT_NAVIGATED`, `ERR_UNKNOWN_PROVIDER`, `ERR_LOGIN_LOOP`,
 *   `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`
 * @see [RFC 6749 §4.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1)
 * @see [RFC 7636](https://www.rfc-editor.org/rfc/rfc7636)
 * @see [OpenID Connect Core §4](https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin)
 *
 * @example
 * ```ts
 * app.get('/login', login())
 * app.get('/confirm', login({ prompt: 'login', returnTo: '/payment' }))
 * ```
 */
export function login(
  options: LoginOptions | ((req: Request) => LoginOptions | Promise<LoginOptions>) = {},
): RequestHandler {
  if (typeof options !== 'function') assertOptions<LoginOptions>(options, 'login', SHAPE)

  return sessionMiddleware('login()', async (caller, req, res) => {
    res.set('Cache-Control', 'no-store')
    assertNoSubresource(req)
    if (isInquiry(req)) return void res.end()
    const initiation = await readInitiation(req)
    if ((initiation && req.method === 'POST') || isWithoutLaxCookies(req, caller.config.origin)) {
      return res.redirect(303, asGet(caller.config, req, initiation))
    }
    // With the session's cookie, a user who is signed in stays so, and anyone else keeps their session.
    if (isWithoutStrictCookie(req) && asksForPage(req)) {
      const url = asGet(caller.config, req, initiation)
      return sendForwardingPage(caller.config.pages, req, res, url, 'signingIn')
    }
    const asked = typeof options === 'function' ? await options(req) : options
    if (typeof options === 'function') assertOptions<LoginOptions>(asked, 'login', FUNCTION_SHAPE)
    const stepUp = unsealStepUp(caller.config, queryParameter(req, 'step_up'))
    await startLogin(caller, req, res, { ...asked, ...stepUp }, initiation).catch((error: unknown) => {
      throw withRetry(caller.config, req, error)
    })
  })
}

async function startLogin(
  caller: SessionCaller,
  req: Request,
  res: Response,
  options: LoginOptions,
  initiation: ThirdPartyInitiation | undefined,
): Promise<void> {
  const { config, auth } = caller
  if (isCallback(config, req)) throw inFrontOfCallback()
  stopLoginLoop(config, req, res, auth.isAuthenticated)
  const wanted = options.returnTo ?? initiation?.targetLinkUri ?? queryParameter(req, 'returnTo')
  const returnTo = destination(config, wanted)
  if (returnTo.split('#', 1)[0] === publicUrl(config, req)) throw leadsToItself(returnTo)
  if (!initiation && mustChoose(config, req, options)) {
    const current = auth.sessionProvider
    if (current && !requiresNewLogin(auth.scopes, options) && (await isSignedIn(auth, current))) {
      return redirectSignedIn(config, req, res, returnTo)
    }
    const choices = choicesFor(config, req, (name) => withParameters(config, req, { provider: name }))
    return sendSignInPage(config.pages, req, res, { providers: choices, returnTo })
  }
  const provider = await chooseProvider(config, req, options, initiation)
  const request = toRequest(config, req, provider, { ...options, ...hintOf(options, initiation) })
  if (
    initiation?.loginHint === undefined &&
    !requiresNewLogin(auth.scopes, options) &&
    (await isSignedIn(auth, provider))
  ) {
    return redirectSignedIn(config, req, res, returnTo)
  }
  requireSessionCookie(config, req)
  await config.callbacks.assertDistinct(provider)
  const transaction = createTransaction(transactionFields(req, provider, request, returnTo))
  const state = sealState(config, transaction)
  const url = await authorizationUrl(provider, transaction, { ...request, state })
  bindTransaction(config, req, res, transaction, provider.options.responseMode === 'form_post')
  config.emit(
    {
      type: 'login.started',
      provider: provider.name,
      transaction: transactionValues(transaction).id,
      issuer: provider.options.issuer,
      scope: request.scope,
      responseMode: provider.options.responseMode,
      returnTo: withoutQuery(returnTo),
    },
    req,
  )
  // The posting page's `form-action 'self'` would block a redirect.
  if (!isSafe(req) && asksForPage(req)) sendForwardingPage(config.pages, req, res, url.href, 'signingIn')
  else res.redirect(303, url.href)
}

function redirectSignedIn(config: Config, req: Request, res: Response, returnTo: string): void {
  noteSignedIn(config, req, res, returnTo, false)
  res.redirect(303, config.origin + returnTo)
}

function inFrontOfCallback(): RelyingPartyError {
  return configurationError(
    'login()',
    'runs at the path of callback(), so that no login can finish',
    "mount it at its own path, as in app.get('/login', login()), not with app.use(login()); to protect routes, use " +
      'requireAuth()',
  )
}

function leadsToItself(returnTo: string): RelyingPartyError {
  return configurationError(
    'login()',
    `leads back to itself at ${returnTo}`,
    "mount it at its own path, as in app.get('/login', login()), not with app.use(login()), and set returnTo to " +
      'another page; to protect routes, use requireAuth()',
  )
}

/**
 * Returns the URL that starts the login of a cross-site POST with GET. `SameSite=Lax` cookies are not sent with such a
 * POST: neither the session's nor those of earlier logins, which have to be counted.
 */
function asGet(config: Config, req: Request, initiation: ThirdPartyInitiation | undefined): string {
  return config.origin + withParameters(config, req, initiationParameters(initiation))
}

/** Returns the login hint. The route's own takes precedence over a third party's. */
function hintOf(
  { loginHint }: LoginOptions,
  initiation: ThirdPartyInitiation | undefined,
): Pick<LoginOptions, 'loginHint'> {
  return defined({ loginHint: loginHint ?? initiation?.loginHint })
}

/** Adds the URL to try again to an error. */
function withRetry(config: Config, req: Request, error: unknown): unknown {
  if (error instanceof RelyingPartyError) {
    error.returnTo = destination(config, queryParameter(req, 'returnTo'))
    error.retryUrl = safeReturnTo(publicUrl(config, req), config.origin) ?? config.paths.login
  }
  return error
}

function toRequest(
  config: Config,
  req: Request,
  provider: Provider,
  options: LoginOptions,
): Omit<AuthorizationRequest, 'state'> {
  const defaults = provider.options
  assertProvable(provider, options)
  const scope = provider.scopeFor(options.scope, 'login')
  const acrValues = options.acrValues === undefined ? defaults.acrValues : toList(options.acrValues)
  return {
    redirectUri: config.callbacks.redirectUri(provider),
    scope,
    prompt: options.prompt ?? defaults.prompt,
    maxAge: options.maxAge ?? defaults.maxAge,
    acrValues,
    acrEssential: (options.acrEssential ?? defaults.acrEssential) && acrValues.length > 0,
    loginHint: options.loginHint,
    authorizationParams: {
      ...defined({ ui_locales: defaults.uiLocales && uiLocalesOf(req) }),
      ...defaults.authorizationParams,
      ...options.authorizationParams,
    },
  }
}

/** How and when a user authenticated stands in the ID token only. */
function assertProvable({ name, hasIdTokens }: Provider, options: LoginOptions): void {
  if (hasIdTokens) return
  for (const option of ['maxAge', 'acrValues', 'acrEssential'] as const) {
    if (options[option] === undefined) continue
    throw configurationError(
      `login.${option}`,
      `needs an ID token, and ${name} is an OAuth 2.0 provider`,
      'remove it, or choose an OpenID Provider',
    )
  }
}

function transactionFields(
  req: Request,
  provider: Provider,
  request: Omit<AuthorizationRequest, 'state'>,
  returnTo: string,
): Omit<Transaction, 'seed' | 'startedAt'> {
  const withoutSession = provider.options.responseMode === 'form_post' || isStrict(req)
  const sessionId = withoutSession ? idOfUsedSession(req) : undefined
  return defined({
    provider: provider.name,
    registration: provider.registration,
    returnTo,
    scope: request.scope === provider.options.scope ? undefined : request.scope,
    maxAge: request.maxAge,
    acr: request.acrEssential ? request.acrValues : undefined,
    sessionId,
  })
}

/** Resolves to whether the user is signed in at the provider. A session that cannot be refreshed does not count. */
async function isSignedIn(auth: SessionCaller['auth'], provider: Provider): Promise<boolean> {
  if (auth.record?.registration !== provider.registration) return false
  try {
    await auth.refreshIfDue()
  } catch (error) {
    if (error instanceof RelyingPartyError && error.code !== 'ERR_STORE_UNAVAILABLE') return false
    throw error
  }
  return auth.isAuthenticated
}

/** Returns whether the options require a new login: prompt, maxAge, acrValues, or a scope not granted yet. */
function requiresNewLogin(granted: readonly string[], options: LoginOptions): boolean {
  const { prompt, maxAge, acrValues, scope } = options
  if (prompt !== undefined || maxAge !== undefined || acrValues !== undefined) return true
  return scope !== undefined && toList(scope).some((item) => !granted.includes(item))
}

import type { Request, RequestHandler, Response } from 'express'
import { configurationError, RelyingPartyError } from '../errors.js'
import { assertOpenid, assertOptions, boolean, number, type Shape, string, stringOrStrings } from '../lib/check.js'
import { toList } from '../lib/list.js'
import { type AuthorizationRequest, authorizationUrl } from '../protocol/authorizationRequest.js'
import { createTransaction, type Transaction, transactionValues } from '../protocol/transaction.js'
import { checkAuthorizationParams } from '../provider/authorizationParams.js'
import type { Provider } from '../provider/provider.js'
import { sendGoOnPage } from '../request/goOnPage.js'
import { asksForPage, isInquiry, isSafe, isWithoutLaxCookies } from '../request/navigation.js'
import { assertNoSubresource } from '../request/refusals.js'
import { returnToOption, safeReturnTo } from '../request/returnTo.js'
import { publicUrl, queryParameter } from '../request/url.js'
import { noteSignedIn, stopLoginLoop } from '../session/loginLoop.js'
import { openStepUp } from '../session/sealedStepUp.js'
import { type SessionContext, sessionMiddleware } from '../session/sessionCaller.js'
import { isStrict, requireSessionCookie } from '../session/sessionCookie.js'
import { idOfUsedSession } from '../session/signedInMark.js'
import type { Config } from '../setup/config.js'
import { isCallback, startPage } from '../setup/urls.js'
import { initiationParameters, readInitiation, type ThirdPartyInitiation } from './thirdPartyInitiation.js'
import { bindTransaction, sealState } from './transactionState.js'

/** Options of {@link login}. Each overrides the provider's option of that name for this route. */
export interface LoginOptions {
  /** The name of the provider. Default is the query parameter `provider`, or the only one. */
  provider?: string
  /** Where the user goes after login: a path of this application. Default is the query parameter `returnTo`, or `/`. */
  returnTo?: string
  /** The scopes asked for. Must hold `openid`. */
  scope?: string | readonly string[]
  /** The `prompt` parameter, such as `'login'`. Asks for a fresh login also of someone signed in. */
  prompt?: string
  /** In seconds. Asks for a fresh login also of someone signed in. */
  maxAge?: number
  /** The authentication context classes asked for. Asks for a fresh login also of someone signed in. */
  acrValues?: string | readonly string[]
  /** Whether `acr` must be one of `acrValues`. */
  acrEssential?: boolean
  /** Who is likely to sign in: an e-mail address or user name. */
  loginHint?: string
  /** More parameters for the authorization request, beside the provider's. */
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

/** Of a function, which may hand on what a browser sent: a `returnTo` that is refused leads to the start page. */
const FUNCTION_SHAPE: Shape<LoginOptions> = { ...SHAPE, returnTo: string }

/**
 * Sends the user to the provider to sign in: authorization code with S256, and a state and nonce of its own.
 *
 * What is needed to judge the response travels as the encrypted `state`, which counts only in this browser: a small cookie
 * of this login is bound to it. Someone who is signed in already goes straight to `returnTo`, unless a fresh login is asked
 * for. `returnTo` never leaves the application's origin; one of more than 2,048 characters leads to the start page.
 *
 * HEAD, prefetches, images and frames begin no login. A third party may initiate one with `iss`, `login_hint` and
 * `target_link_uri`: at a configured issuer only, to a path of this application, with the scopes of the options. Mount the
 * route for GET and POST then: a cross-site POST is redirected to GET, to which the browser sends its cookies. A
 * `login_hint` is passed on, also for someone signed in.
 *
 * @param options - for this route, or a function that gives them for each request
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

  return sessionMiddleware('login()', async (context, req, res) => {
    res.set('Cache-Control', 'no-store')
    assertNoSubresource(req)
    if (isInquiry(req)) return void res.end()
    const initiation = await readInitiation(req)
    if ((initiation && req.method === 'POST') || isWithoutLaxCookies(req, context.config.origin)) {
      return res.redirect(303, asGet(context.config, req, initiation))
    }
    const asked = typeof options === 'function' ? await options(req) : options
    if (typeof options === 'function') assertOptions<LoginOptions>(asked, 'login', FUNCTION_SHAPE)
    const stepUp = openStepUp(context.config, queryParameter(req, 'step_up'))
    await startLogin(context, req, res, { ...asked, ...stepUp }, initiation).catch((error: unknown) => {
      throw withWayOn(context.config, req, error)
    })
  })
}

/** Starts a login as {@link login} does. */
export async function startLogin(
  context: SessionContext,
  req: Request,
  res: Response,
  options: LoginOptions,
  initiation?: ThirdPartyInitiation,
): Promise<void> {
  const { config, auth } = context
  if (isCallback(config, req)) throw inFrontOfCallback()
  stopLoginLoop(config, req, res, auth.isAuthenticated)
  const provider = await chooseProvider(config, req, options, initiation)
  const wanted = options.returnTo ?? initiation?.targetLinkUri ?? queryParameter(req, 'returnTo')
  const returnTo = safeReturnTo(wanted, config.origin) ?? startPage(config)
  if (returnTo.split('#', 1)[0] === publicUrl(config, req)) throw leadsToItself(returnTo)
  const request = toRequest(config, provider, { ...options, ...hintOf(options, initiation) })
  if (
    initiation?.loginHint === undefined &&
    !asksForFreshLogin(auth.scopes, options) &&
    (await isSignedIn(auth, provider))
  ) {
    noteSignedIn(config, req, res, returnTo, false)
    res.redirect(303, config.origin + returnTo)
    return
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
      returnTo: returnTo.split(/[?#]/, 1)[0] ?? returnTo,
    },
    req,
  )
  // A redirect would be blocked by `form-action 'self'` of the page that posted the form.
  if (!isSafe(req) && asksForPage(req)) sendGoOnPage(res, url.href, { title: 'Signing in', link: 'Continue' })
  else res.redirect(303, url.href)
}

function inFrontOfCallback(): RelyingPartyError {
  return configurationError(
    'login()',
    'runs at the path of callback(), so that no login can end',
    "mount it at a path of its own, as in app.get('/login', login()), not by app.use(login()); to protect routes use " +
      'requireAuth()',
  )
}

function leadsToItself(returnTo: string): RelyingPartyError {
  return configurationError(
    'login()',
    `leads back to itself at ${returnTo}`,
    "mount it at a path of its own, as in app.get('/login', login()), not by app.use(login()), and let returnTo be " +
      'another page; to protect routes use requireAuth()',
  )
}

/**
 * Returns the URL that begins by GET what a cross-site POST asked for. No `SameSite=Lax` cookie comes with such a POST:
 * neither the session nor the cookies of earlier logins, which have to be counted.
 */
function asGet(config: Config, req: Request, initiation: ThirdPartyInitiation | undefined): string {
  const [path = '', query = ''] = publicUrl(config, req).split(/\?(.*)/s)
  const parameters = new URLSearchParams(query)
  for (const [name, value] of Object.entries(initiationParameters(initiation))) parameters.set(name, value)
  const own = safeReturnTo(path, config.origin) ?? config.paths.login
  return config.origin + own + (parameters.size > 0 ? `?${parameters}` : '')
}

/** The route's own hint counts before a third party's. */
function hintOf(
  { loginHint }: LoginOptions,
  initiation: ThirdPartyInitiation | undefined,
): Pick<LoginOptions, 'loginHint'> {
  const hint = loginHint ?? initiation?.loginHint
  return hint === undefined ? {} : { loginHint: hint }
}

/** A third party may name the issuer, but not another one than the route is for. */
async function chooseProvider(
  { providers }: Config,
  req: Request,
  { provider }: LoginOptions,
  initiation: ThirdPartyInitiation | undefined,
): Promise<Provider> {
  if (!initiation) return providers.choose(req, provider ?? queryParameter(req, 'provider'))
  if (provider === undefined) return providers.chooseByIssuer(req, initiation.iss)
  const chosen = await providers.choose(req, provider)
  if (chosen.isNamed(initiation.iss)) return chosen
  throw new RelyingPartyError('ERR_UNKNOWN_PROVIDER', 'this address does not lead to that provider', {
    hint: 'the parameter iss names another issuer than that of login({ provider }) at this route',
  })
}

/** Gives an error the way to try again. */
function withWayOn(config: Config, req: Request, error: unknown): unknown {
  if (error instanceof RelyingPartyError) {
    error.returnTo = safeReturnTo(queryParameter(req, 'returnTo'), config.origin) ?? startPage(config)
    error.retryUrl = safeReturnTo(publicUrl(config, req), config.origin) ?? config.paths.login
  }
  return error
}

function toRequest(config: Config, provider: Provider, options: LoginOptions): Omit<AuthorizationRequest, 'state'> {
  const defaults = provider.options
  const scope = options.scope === undefined ? defaults.scope : toList(options.scope).join(' ')
  assertOpenid(scope, 'login')
  const acrValues = options.acrValues === undefined ? defaults.acrValues : toList(options.acrValues)
  return {
    redirectUri: config.callbacks.redirectUri(provider),
    scope,
    prompt: options.prompt ?? defaults.prompt,
    maxAge: options.maxAge ?? defaults.maxAge,
    acrValues,
    acrEssential: (options.acrEssential ?? defaults.acrEssential) && acrValues.length > 0,
    loginHint: options.loginHint,
    authorizationParams: { ...defaults.authorizationParams, ...options.authorizationParams },
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
  return {
    provider: provider.name,
    registration: provider.registration,
    returnTo,
    ...(request.scope === provider.options.scope ? {} : { scope: request.scope }),
    ...(request.maxAge === undefined ? {} : { maxAge: request.maxAge }),
    ...(request.acrEssential ? { acr: request.acrValues } : {}),
    ...(sessionId === undefined ? {} : { sessionId }),
  }
}

/** Checks whether the user is signed in there. A session that can no longer be refreshed is replaced by a login. */
async function isSignedIn(auth: SessionContext['auth'], provider: Provider): Promise<boolean> {
  if (auth.record?.registration !== provider.registration) return false
  try {
    await auth.refreshIfDue()
  } catch (error) {
    if (error instanceof RelyingPartyError && error.code !== 'ERR_STORE_UNAVAILABLE') return false
    throw error
  }
  return auth.isAuthenticated
}

/** A call that names prompt, maxAge, acrValues, or a scope not granted yet, wants the provider to ask again. */
function asksForFreshLogin(granted: readonly string[], options: LoginOptions): boolean {
  const { prompt, maxAge, acrValues, scope } = options
  if (prompt !== undefined || maxAge !== undefined || acrValues !== undefined) return true
  return scope !== undefined && toList(scope).some((item) => !granted.includes(item))
}

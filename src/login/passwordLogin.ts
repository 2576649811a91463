import { randomBytes } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import { assertOptions, callable, requireOption, type Shape, string, stringOrStrings } from '../lib/check.js'
import { type PasswordCredentials, requestByPassword } from '../protocol/passwordGrant.js'
import { asksForPage } from '../request/navigation.js'
import { readRequestParameters } from '../request/parameters.js'
import { assertMethod, assertSameOrigin } from '../request/refusals.js'
import { returnToOption } from '../request/returnTo.js'
import { queryParameter } from '../request/url.js'
import { type SessionCaller, sessionMiddleware } from '../session/sessionCaller.js'
import { requireSessionCookie } from '../session/sessionCookie.js'
import { destination } from '../setup/urls.js'
import { emitRefused, signIn } from './signIn.js'

/** Options of {@link passwordLogin}. */
export interface PasswordLoginOptions {
  /** Confirms that you accept the risks of this grant. Must be `true`. */
  allowPasswordGrant: true
  /**
   * Limits password attempts, such as a middleware of express-rate-limit: it sends a response or calls `next()`. The form
   * fields are in `req.body`.
   */
  rateLimit: RequestHandler
  /** The name of the provider. Default is the only one. */
  provider?: string
  /** The path of this application to return to after login. Default is the form or query field `returnTo`, or `/`. */
  returnTo?: string
  /** The scopes to request. Must include `openid`. Default is the provider's `scope`. */
  scope?: string | readonly string[]
}

const SHAPE: Shape<PasswordLoginOptions> = {
  allowPasswordGrant: (value) =>
    value === true ? undefined : 'must be true: the application sees passwords, and a second factor is impossible',
  rateLimit: callable,
  provider: string,
  returnTo: returnToOption,
  scope: stringOrStrings,
}

/** The longest user name and password that are accepted. In characters. */
const MAX_LENGTH = 1024

/**
 * Signs users in with a user name and password from a form of this application.
 *
 * Reads the fields `username` and `password` of a form POST, or of JSON if `express.json()` runs before. Cross-site requests
 * are refused, `rateLimit` limits attempts, and a wrong user name is answered like a wrong password. The rest is the same as
 * in other logins: `onLogin`, a new session ID, refresh and scopes.
 *
 * @deprecated OAuth 2.1 omits this grant (RFC 9700 §2.4): the application sees passwords, the provider cannot require a
 *   second factor or passkey, and users learn to type their password anywhere. Use `login()`, or `deviceLogin()` and
 *   `deviceAuthorization()` without a browser.
 * @throws `ERR_CONFIGURATION` at construction; at a request `ERR_INVALID_CREDENTIALS`, `ERR_CROSS_SITE_REQUEST`,
 *   `ERR_CREDENTIALS_MALFORMED`, `ERR_LOGIN_REFUSED`, `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`,
 *   `ERR_TOKEN_RESPONSE_INVALID`, `ERR_ID_TOKEN_INVALID`, `ERR_USERINFO_INVALID`, `ERR_PROVIDER_UNAVAILABLE`,
 *   `ERR_STORE_UNAVAILABLE`
 * @see [RFC 6749 §4.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.3)
 * @see [RFC 9700 §2.4](https://www.rfc-editor.org/rfc/rfc9700#section-2.4)
 *
 * @example
 * ```ts
 * const limiter = rateLimit({ windowMs: 15 * 60_000, limit: 10 })
 * app.post('/password-login', passwordLogin({ allowPasswordGrant: true, rateLimit: limiter }))
 * ```
 */
export function passwordLogin(options: PasswordLoginOptions): RequestHandler {
  assertOptions<PasswordLoginOptions>(options, 'passwordLogin', SHAPE)
  requireOption(options, 'passwordLogin', 'allowPasswordGrant', 'write allowPasswordGrant: true to enable this grant')
  requireOption(
    options,
    'passwordLogin',
    'rateLimit',
    'pass a middleware, such as rateLimit({ … }) of express-rate-limit',
  )
  return sessionMiddleware('passwordLogin()', async (caller, req, res) => {
    res.set('Cache-Control', 'no-store')
    assertMethod(req, ['POST'], 'ERR_CREDENTIALS_MALFORMED', 'app.post(path, passwordLogin({ … }))')
    assertSameOrigin(req, caller.config.origin)
    const fields = await readFields(req)
    if (await passes(options.rateLimit, req, res)) await attempt(caller, req, res, options, fields)
  })
}

async function attempt(
  caller: SessionCaller,
  req: Request,
  res: Response,
  options: PasswordLoginOptions,
  fields: Fields,
): Promise<void> {
  const { config } = caller
  requireSessionCookie(config, req)
  const provider = await config.providers.choose(req, options.provider)
  const step = { provider: provider.name, transaction: randomBytes(12).toString('base64url') }
  const scope = provider.scopeFor(options.scope, 'passwordLogin')
  const wanted = options.returnTo ?? fields.get('returnTo') ?? queryParameter(req, 'returnTo')
  let returnTo = destination(config, wanted)
  try {
    const authentication = await requestByPassword(provider, toCredentials(fields), scope)
    const checks = provider.hasIdTokens ? ['iss', 'signature', 'aud', 'exp'] : ['profile']
    returnTo = (await signIn(caller, req, { ...authentication, provider, step, checks, returnTo })).returnTo
  } catch (error) {
    emitRefused(config, error, step, req)
    throw error
  }
  if (asksForPage(req)) res.redirect(303, config.origin + returnTo)
  else res.json({ returnTo })
}

type Fields = ReadonlyMap<string, unknown>

/** Reads a form, or JSON that was parsed before. Sets `req.body` for the limiter. */
async function readFields(req: Request): Promise<Fields> {
  if (req.is('json')) return new Map(Object.entries((req.body ?? {}) as object))
  const parameters = await readRequestParameters(req)
  req.body ??= Object.fromEntries(parameters)
  return parameters
}

function toCredentials(fields: Fields): PasswordCredentials {
  const [username, password] = [fields.get('username'), fields.get('password')]
  if (isText(username) && isText(password)) return { username, password }
  throw new RelyingPartyError('ERR_CREDENTIALS_MALFORMED', 'enter a user name and a password', {
    hint: `passwordLogin() reads the fields username and password, strings of at most ${MAX_LENGTH} characters; JSON requires express.json() before it`,
  })
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_LENGTH
}

/** Runs the limiter. Resolves to whether the request may continue; otherwise the limiter has answered it. */
function passes(rateLimit: RequestHandler, req: Request, res: Response): Promise<boolean> {
  return new Promise((resolve, reject) => {
    res.once('close', () => resolve(false))
    const next = (error?: unknown) => (error === undefined ? resolve(true) : reject(error as Error))
    Promise.resolve(rateLimit(req, res, next) as unknown).catch(reject)
  })
}

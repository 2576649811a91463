import { randomBytes } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import { assertOptions, callable, type Shape, string, stringOrStrings } from '../lib/check.js'
import { choicesFor, mustChoose } from '../login/choice.js'
import { emitRefused, signIn } from '../login/signIn.js'
import { sendDevicePage } from '../pages/devicePage.js'
import type { DeviceView } from '../pages/page.js'
import { sendSignInPage } from '../pages/signInPage.js'
import { requestDeviceAuthorization } from '../protocol/device.js'
import type { Provider } from '../provider/provider.js'
import { asksForPage, isSafe } from '../request/navigation.js'
import { assertMethod, assertNoSubresource, assertSameOrigin } from '../request/refusals.js'
import { returnToOption } from '../request/returnTo.js'
import { publicUrl, queryParameter, withoutQuery } from '../request/url.js'
import { type SessionCaller, sessionMiddleware } from '../session/sessionCaller.js'
import { requireSessionCookie } from '../session/sessionCookie.js'
import { destination, withParameters } from '../setup/urls.js'
import { clearDevice, type DeviceTransaction, findDevice, MAX_RETURN_TO, storeDevice } from './cookie.js'
import { type DeviceState, deviceRefusal, pollIfDue, refuseTaken, takeDevice } from './polling.js'
import { streamDevice } from './stream.js'
import { toView } from './view.js'

/** Options of {@link deviceLogin}. */
export interface DeviceLoginOptions {
  /** The name of the provider. Default is the query parameter `provider`, or the only one. */
  provider?: string
  /** The path of this application to return to after login. Default is the query parameter `returnTo`, or `/`. */
  returnTo?: string
  /** The scopes to request. Must include `openid`. Default is the provider's `scope`. */
  scope?: string | readonly string[]
  /** Sends a page instead of the built-in one, with the code or the reason of a failure. Not called for JSON. */
  render?: (view: DeviceView, req: Request, res: Response) => void
}

const SHAPE: Shape<DeviceLoginOptions> = {
  provider: string,
  returnTo: returnToOption,
  scope: stringOrStrings,
  render: callable,
}

/**
 * Signs users in on a device without a keyboard, such as a kiosk or a television, by a code to approve on another device.
 *
 * Mount it for GET and POST. Browsers get a page with a code and its QR code, updated by server-sent events and readable
 * without scripts. Programs get JSON. POST starts again with a new code. The device code is kept in an encrypted cookie, so
 * that only the browser that started a login can finish it. The provider is polled only while someone waits, once per
 * interval for all tabs and processes. If there are several providers and none is chosen, browsers get the sign-in page.
 *
 * The user who approves signs in the device that shows the code: the page should explain what it is for, and codes should
 * not be sent to others (RFC 8628 §5.4).
 *
 * @throws `ERR_CONFIGURATION` at construction; at a request `ERR_CROSS_SITE_REQUEST`, `ERR_UNKNOWN_PROVIDER`,
 *   `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_LOGIN_REFUSED`, `ERR_USERINFO_INVALID`,
 *   `ERR_METADATA_INVALID`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE`. If the user refuses or the code expires,
 *   that is shown, not thrown.
 * @see [RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)
 *
 * @example
 * ```ts
 * app.all('/device', deviceLogin({ returnTo: '/dashboard' }))
 * ```
 */
export function deviceLogin(options: DeviceLoginOptions = {}): RequestHandler {
  assertOptions<DeviceLoginOptions>(options, 'deviceLogin', SHAPE)
  return sessionMiddleware('deviceLogin()', async (caller, req, res) => {
    res.set('Cache-Control', 'no-store')
    assertNoSubresource(req)
    assertMethod(req, ['GET', 'HEAD', 'POST'], 'ERR_AUTHORIZATION_RESPONSE_INVALID', 'app.all(path, deviceLogin())')
    const { config } = caller
    if (mustChoose(config, req, options) && isSafe(req)) {
      const providers = choicesFor(config, req, (name) => withParameters(config, req, { provider: name }))
      return sendSignInPage(config.pages, req, res, { providers, returnTo: destinationOf(caller, req, options) })
    }
    const provider = await config.providers.choose(req, options.provider ?? queryParameter(req, 'provider'))
    if (caller.auth.record?.registration === provider.registration) {
      return answerSignedIn(caller, req, res, destinationOf(caller, req, options))
    }
    if (req.method === 'HEAD') return void res.end()
    if (req.method === 'POST') return restart(caller, req, res, provider, options)
    const found = findDevice(caller.config, req)
    const known = found?.registration === provider.registration ? found : undefined
    if (acceptsStream(req)) return streamDevice(caller, res, provider, known)
    const transaction = known ?? (await start(caller, req, res, provider, options))
    const state = await pollIfDue(caller, provider, transaction)
    const returnTo = transaction.returnTo ?? destinationOf(caller, req, options)
    if (state.state === 'taken') return answerSignedIn(caller, req, res, returnTo)
    if (state.state === 'approved') return finish(caller, req, res, provider, { ...transaction, returnTo })
    await answer(caller, req, res, transaction, state, options)
  })
}

/** Requests a new code from the provider and stores it in this browser. */
async function start(
  { config }: SessionCaller,
  req: Request,
  res: Response,
  provider: Provider,
  options: DeviceLoginOptions,
): Promise<DeviceTransaction> {
  requireSessionCookie(config, req)
  const scope = provider.scopeFor(options.scope, 'deviceLogin')
  const device = await requestDeviceAuthorization(provider, { scope, resource: provider.options.resource })
  const returnTo = destinationOf({ config }, req, options)
  const transaction: DeviceTransaction = {
    ...device,
    id: randomBytes(12).toString('base64url'),
    startedAt: Date.now() / 1000,
    provider: provider.name,
    registration: provider.registration,
    scope,
    ...(returnTo.length <= MAX_RETURN_TO ? { returnTo } : {}),
  }
  storeDevice(config, res, transaction)
  const { id } = transaction
  const { issuer } = provider.options
  const path = withoutQuery(returnTo)
  config.emit({ type: 'device.started', provider: provider.name, transaction: id, issuer, scope, returnTo: path }, req)
  return transaction
}

async function restart(
  caller: SessionCaller,
  req: Request,
  res: Response,
  provider: Provider,
  options: DeviceLoginOptions,
): Promise<void> {
  const { config } = caller
  assertSameOrigin(req, config.origin)
  const transaction = await start(caller, req, res, provider, options)
  if (asksForPage(req)) return res.redirect(303, config.origin + publicUrl(config, req))
  await answer(caller, req, res, transaction, { state: 'pending', wait: transaction.interval }, options)
}

/** Signs this browser in with the tokens of its approved login. */
async function finish(
  caller: SessionCaller,
  req: Request,
  res: Response,
  provider: Provider,
  transaction: DeviceTransaction & { readonly returnTo: string },
): Promise<void> {
  const { config } = caller
  const authentication = await takeDevice(caller, transaction)
  if (authentication) {
    const step = { provider: provider.name, transaction: transaction.id }
    const checks = ['device_code', ...(provider.hasIdTokens ? ['iss', 'signature', 'aud', 'exp'] : ['profile'])]
    clearDevice(config, res)
    try {
      const login = { ...authentication, provider, step, checks, returnTo: transaction.returnTo }
      const { returnTo } = await signIn(caller, req, login)
      return answerSignedIn(caller, req, res, returnTo)
    } catch (error) {
      emitRefused(config, error, step, req)
      await refuseTaken(caller, transaction, error)
      throw error
    }
  }
  answerSignedIn(caller, req, res, transaction.returnTo)
}

async function answer(
  { config }: SessionCaller,
  req: Request,
  res: Response,
  transaction: DeviceTransaction,
  state: Extract<DeviceState, { state: 'pending' | 'refused' }>,
  { render }: DeviceLoginOptions,
): Promise<void> {
  const view = toView(transaction, state)
  if (!asksForPage(req)) res.json(toJson(view))
  else if (render) render(view, req, res)
  else await sendDevicePage(config.pages, req, res, view)
}

/** Returns the view as JSON, with the parameter names of RFC 8628 §3.2. */
function toJson(view: DeviceView): object {
  if (view.status === 'refused') {
    const error = view.error ?? 'ERR_DEVICE_CODE_EXPIRED'
    return { status: view.status, error, message: deviceRefusal(error).message }
  }
  return {
    status: view.status,
    user_code: view.userCode,
    verification_uri: view.verificationUri,
    verification_uri_complete: view.verificationUriComplete,
    expires_in: view.expiresIn,
    interval: view.interval,
  }
}

function answerSignedIn({ config }: SessionCaller, req: Request, res: Response, returnTo: string): void {
  if (acceptsStream(req)) res.type('text/event-stream').send('event: approved\ndata: {}\n\n')
  else if (asksForPage(req)) res.redirect(303, config.origin + returnTo)
  else res.json({ status: 'signed_in', returnTo })
}

function destinationOf({ config }: Pick<SessionCaller, 'config'>, req: Request, options: DeviceLoginOptions): string {
  return destination(config, options.returnTo ?? queryParameter(req, 'returnTo'))
}

function acceptsStream(req: Request): boolean {
  return req.method === 'GET' && /\btext\/event-stream\b/i.test(req.get('Accept') ?? '')
}
